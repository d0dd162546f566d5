// The extension _cppcorn_unit_tests: the GoogleTest cases of everything that needs Python, in a
// module, so that they run in the very interpreter that workers run in, static or not:
// main(argv) is RUN_ALL_TESTS. run_in_python.py beside this file loads and calls it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/workers/python_test.h"
#include "workers/asgi/awaitable.h"
#include "workers/asgi/cycle_object.h"
#include "workers/asgi/send.h"
#include "workers/python/interned.h"

namespace cppcorn {
namespace {

using python::GilHeld;
using python::PyRef;

// No test may leave an exception pending: it would come up in the next one, somewhere else.
class NothingPending final : public ::testing::EmptyTestEventListener {
  void OnTestEnd(const ::testing::TestInfo&) override {
    if (PyErr_Occurred() == nullptr) return;
    GilHeld gil = GilHeld::by_interpreter();
    ADD_FAILURE() << "an exception was left pending: " << python::testing::take_pending(gil);
  }
};

PyObject* run_all_tests(PyObject*, PyObject* argument) {
  std::vector<std::string> words;
  const PyRef list = PyRef::steal(PySequence_List(argument));
  if (!list) return nullptr;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list.get()); ++i) {
    const char* word = PyUnicode_AsUTF8(PyList_GET_ITEM(list.get(), i));
    if (word == nullptr) return nullptr;
    words.emplace_back(word);
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int argc = static_cast<int>(words.size());
  ::testing::InitGoogleTest(&argc, argv.data());
  ::testing::UnitTest::GetInstance()->listeners().Append(new NothingPending);
  return PyLong_FromLong(RUN_ALL_TESTS());
}

PyMethodDef methods[] = {
    {"main", run_all_tests, METH_O, "main(argv): runs the tests; the exit status."},
    {nullptr, nullptr, 0, nullptr},
};

// What the extension _cppcorn does when it is loaded.
int prepare(PyObject*) {
  GilHeld gil = GilHeld::by_interpreter();
  const bool prepared = python::intern_all(gil) && asgi::prepare_send(gil) &&
                        asgi::prepare_awaitable_types(gil) && asgi::prepare_cycle_type(gil);
  return prepared ? 0 : -1;
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(prepare)},
    {0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "_cppcorn_unit_tests",
                          nullptr,
                          0,
                          methods,
                          slots,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace
}  // namespace cppcorn

PyMODINIT_FUNC PyInit__cppcorn_unit_tests() { return PyModuleDef_Init(&cppcorn::definition); }
