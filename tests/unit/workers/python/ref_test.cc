#include "workers/python/ref.h"

#include <vector>

#include "tests/unit/workers/python_test.h"

namespace cppcorn::python {
namespace {

class RefTest : public testing::PythonTest {
 protected:
  // An object that nobody else knows: one reference, the caller's.
  static PyObject* make() { return PyList_New(0); }
};

TEST_F(RefTest, StealTakesTheCallersReference) {
  PyObject* object = make();
  Py_INCREF(object);  // to look at it afterwards
  {
    const PyRef ref = PyRef::steal(object);
    EXPECT_EQ(Py_REFCNT(object), 2);
    EXPECT_EQ(ref.get(), object);
  }
  EXPECT_EQ(Py_REFCNT(object), 1);
  Py_DECREF(object);
}

TEST_F(RefTest, BorrowAddsOneOfItsOwn) {
  PyObject* object = make();
  {
    const PyRef ref = PyRef::borrow(object);
    EXPECT_EQ(Py_REFCNT(object), 2);
  }
  EXPECT_EQ(Py_REFCNT(object), 1);
  Py_DECREF(object);
}

TEST_F(RefTest, NothingIsEmpty) {
  EXPECT_FALSE(PyRef());
  EXPECT_FALSE(PyRef::steal(nullptr));
  EXPECT_FALSE(PyRef::borrow(nullptr));
  const PyRef empty;
  const PyRef copy = empty;
  EXPECT_FALSE(copy);
}

TEST_F(RefTest, CopiesCountAndMovesDont) {
  const PyRef first = PyRef::steal(make());
  PyObject* object = first.get();
  PyRef copy = first;
  EXPECT_EQ(Py_REFCNT(object), 2);
  PyRef moved = std::move(copy);
  EXPECT_EQ(Py_REFCNT(object), 2);
  EXPECT_FALSE(copy);  // NOLINT(bugprone-use-after-move): what a move leaves is promised
  std::vector<PyRef> many(10, moved);
  EXPECT_EQ(Py_REFCNT(object), 12);
  many.clear();
  moved = PyRef();
  EXPECT_EQ(Py_REFCNT(object), 1);
}

TEST_F(RefTest, AssignmentToItselfKeepsTheObject) {
  PyRef ref = PyRef::steal(make());
  PyRef& same = ref;
  ref = same;
  EXPECT_EQ(Py_REFCNT(ref.get()), 1);
}

TEST_F(RefTest, ReleaseGivesTheReferenceAway) {
  PyRef ref = PyRef::steal(make());
  PyObject* object = ref.release();
  EXPECT_FALSE(ref);
  EXPECT_EQ(Py_REFCNT(object), 1);
  Py_DECREF(object);
}

// An object's end may run code that looks at who held it.
TEST_F(RefTest, ResetIsEmptyBeforeTheObjectDies) {
  static PyRef held;
  static bool seen_empty;
  seen_empty = false;
  held = PyRef::steal(
      PyCapsule_New(&held, nullptr, [](PyObject*) { seen_empty = !static_cast<bool>(held); }));
  held.reset();
  EXPECT_TRUE(seen_empty);
}

TEST_F(RefTest, TraverseVisitsWhatIsThere) {
  const auto count = [](PyObject*, void* visits) { return ++*static_cast<int*>(visits), 0; };
  int visits = 0;
  EXPECT_EQ(PyRef().traverse(count, &visits), 0);
  EXPECT_EQ(visits, 0);
  const PyRef ref = PyRef::steal(make());
  EXPECT_EQ(ref.traverse(count, &visits), 0);
  EXPECT_EQ(visits, 1);
}

}  // namespace
}  // namespace cppcorn::python
