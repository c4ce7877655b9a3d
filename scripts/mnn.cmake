# Options of MNN's build, read where its CMakeLists.txt names the project. None changes how the engine computes on a CPU.

# It would be downloaded while CMake configures, and left out without a word where there is no network: two people would have two
# engines. MNN itself does not use it unless it is asked to.
set(MNN_KLEIDIAI OFF CACHE BOOL "" FORCE)

# The interface for building networks in a program, about a tenth of the compiling: nothing refers to it, and no program has it in.
if(NOT CMAKE_VERSION VERSION_LESS 3.19)
    cmake_language(DEFER CALL set_property TARGET MNN_Express PROPERTY SOURCES "${CMAKE_CURRENT_SOURCE_DIR}/cmake/dummy.cpp")
endif()
