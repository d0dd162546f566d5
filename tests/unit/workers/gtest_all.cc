// GoogleTest, compiled to be linked into a module.
#include <src/gtest-all.cc>
