// Finding the Python interpreter that workers run with. Pure but for looks at the file system.
#pragma once

#include <string>

#include "src/base/result.h"

namespace cppcorn::master {

// Where this program came from, and the environment's hints.
struct Surroundings {
  std::string started_as;   // the path given to execve (AT_EXECFN): "cppcorn", "./cppcorn",
                            // "/venv/bin/cppcorn"
  std::string real_path;    // of the running program, links resolved; may be empty
  std::string virtual_env;  // $VIRTUAL_ENV
  std::string search_path;  // $PATH
  static Surroundings of_this_process();
};

// An absolute path whose links are kept, as a virtual environment is found by them. `configured`
// (--python) is taken as it is: a path, or a name to be found on PATH. Else the first that is there
// of python3 and python
//   beside the path that the program was started by,
//   beside its real path,
//   in $VIRTUAL_ENV/bin,
//   on PATH.
// The error is one line.
Result<std::string> find_python(const std::string& configured, const Surroundings& surroundings);

}  // namespace cppcorn::master
