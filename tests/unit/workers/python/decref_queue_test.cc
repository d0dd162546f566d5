#include "workers/python/decref_queue.h"

#include <thread>

#include "tests/unit/workers/python_test.h"

namespace cppcorn::python {
namespace {

class DecrefQueueTest : public testing::PythonTest {};

TEST_F(DecrefQueueTest, AThreadWithoutTheGilDropsReferences) {
  const PyRef object = PyRef::steal(PyList_New(0));
  Py_INCREF(object.get());
  EXPECT_FALSE(drops_wait());
  {
    const GilRelease release(gil_);
    std::thread([raw = object.get()] { drop_later(raw); }).join();
  }
  EXPECT_TRUE(drops_wait());
  EXPECT_EQ(Py_REFCNT(object.get()), 2) << "not before somebody with the GIL comes";
  drop_queued(gil_);
  EXPECT_FALSE(drops_wait());
  EXPECT_EQ(Py_REFCNT(object.get()), 1);
  drop_queued(gil_);
  EXPECT_EQ(Py_REFCNT(object.get()), 1);
}

// What an object does in its end may drop others: no lock is held.
TEST_F(DecrefQueueTest, AnEndMayQueueMore) {
  static PyObject* other;
  other = PyList_New(0);
  const PyRef kept = PyRef::borrow(other);
  drop_later(PyCapsule_New(&other, nullptr, [](PyObject*) { drop_later(other); }));
  drop_queued(gil_);
  EXPECT_TRUE(drops_wait());
  drop_queued(gil_);
  EXPECT_EQ(Py_REFCNT(kept.get()), 1);
}

TEST_F(DecrefQueueTest, ForeignBytesKeepTheirObject) {
  const PyRef bytes = make_bytes(gil_, "some bytes to be sent");
  const ForeignBytes foreign = foreign_bytes(gil_, bytes.get());
  EXPECT_EQ(Py_REFCNT(bytes.get()), 2);
  EXPECT_EQ(std::string_view(foreign.data, foreign.size), "some bytes to be sent");
  foreign.release(foreign.owner);
  drop_queued(gil_);
  EXPECT_EQ(Py_REFCNT(bytes.get()), 1);
}

}  // namespace
}  // namespace cppcorn::python
