#include "workers/python/header_names.h"

#include <memory>
#include <string>

#include "tests/unit/workers/python_test.h"

namespace cppcorn::python {
namespace {

class HeaderNamesTest : public testing::PythonTest {
 protected:
  std::unique_ptr<HeaderNames> asgi_ = std::make_unique<HeaderNames>(HeaderNames::Form::kAsgiBytes);
  std::unique_ptr<HeaderNames> wsgi_ = std::make_unique<HeaderNames>(HeaderNames::Form::kWsgiKey);
};

TEST_F(HeaderNamesTest, BothForms) {
  EXPECT_EQ(repr(asgi_->get(gil_, "user-agent")), "b'user-agent'");
  EXPECT_EQ(repr(wsgi_->get(gil_, "user-agent")), "'HTTP_USER_AGENT'");
  EXPECT_EQ(repr(wsgi_->get(gil_, "content-type")), "'CONTENT_TYPE'");
  EXPECT_EQ(repr(wsgi_->get(gil_, "content-length")), "'CONTENT_LENGTH'");
  EXPECT_EQ(repr(wsgi_->get(gil_, "content-types")), "'HTTP_CONTENT_TYPES'");
}

TEST_F(HeaderNamesTest, ANameIsMadeOnce) {
  const PyRef first = asgi_->get(gil_, "accept");
  EXPECT_EQ(asgi_->get(gil_, "accept").get(), first.get());
  EXPECT_NE(asgi_->get(gil_, "accepts").get(), first.get());
}

TEST_F(HeaderNamesTest, LongNamesAreRightAndNotKept) {
  const std::string longest(HeaderNames::kNameMax, 'n');
  EXPECT_EQ(asgi_->get(gil_, longest).get(), asgi_->get(gil_, longest).get());
  const std::string longer(HeaderNames::kNameMax + 1, 'n');
  const PyRef object = asgi_->get(gil_, longer);
  EXPECT_EQ(bytes_view(object.get()), longer);
  EXPECT_EQ(Py_REFCNT(object.get()), 1);
}

// A client that invents names gets the right ones, and the objects of those before them die.
TEST_F(HeaderNamesTest, InventedNamesReplaceEachOther) {
  const PyRef first = asgi_->get(gil_, "x-0");
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "x-" + std::to_string(i);
    ASSERT_EQ(bytes_view(asgi_->get(gil_, name).get()), name);
  }
  EXPECT_EQ(Py_REFCNT(first.get()), 1) << "the table still holds what was replaced";
}

// Python 3.12.0 to 3.12.4 keep what is interned for ever.
TEST_F(HeaderNamesTest, InventedKeysOfAnEnvironDie) {
  const PyRef key = wsgi_->get(gil_, "x-invented-by-a-client");
  EXPECT_LT(Py_REFCNT(key.get()), 10) << "immortal";
}

}  // namespace
}  // namespace cppcorn::python
