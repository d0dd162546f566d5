#include "workers/python/gil.h"

#include <thread>

#include "tests/unit/workers/python_test.h"

namespace cppcorn::python {
namespace {

class GilTest : public testing::PythonTest {};

TEST_F(GilTest, AThreadOfOursTakesItWhileWeLetGo) {
  EXPECT_EQ(PyGILState_Check(), 1);
  int held_inside = -1;
  int held_by_thread = -1;
  long made = 0;
  {
    const GilRelease release(gil_);
    held_inside = PyGILState_Check();
    std::thread([&] {
      const GilAcquire acquire;
      held_by_thread = PyGILState_Check();
      const PyRef number = PyRef::steal(PyLong_FromLong(7));
      made = PyLong_AsLong(number.get());
    }).join();
  }
  EXPECT_EQ(PyGILState_Check(), 1);
  EXPECT_EQ(held_inside, 0);
  EXPECT_EQ(held_by_thread, 1);
  EXPECT_EQ(made, 7);
}

TEST_F(GilTest, ItMayBeTakenWhereItIsHeld) {
  {
    const GilAcquire again;
    EXPECT_EQ(PyGILState_Check(), 1);
  }
  EXPECT_EQ(PyGILState_Check(), 1);
}

}  // namespace
}  // namespace cppcorn::python
