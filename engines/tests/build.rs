//! What an engine that is compiled in says of its build.

#[path = "../build/sources.rs"]
mod sources;

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"engines\"\nversion = \"0.1.0\"\ndependencies = [\n \"tract-onnx\",\n]\n\n\
                    [[package]]\nname = \"tract-core\"\nversion = \"0.23.9\"\nsource = \"registry\"\nchecksum = \"bb76\"\n\n\
                    [[package]]\nname = \"tract-onnx\"\nversion = \"0.23.9\"\nchecksum = \"4372\"\n";

fn is_tract(name: &str) -> bool {
    name.starts_with("tract-")
}

#[test]
fn a_build_changes_with_the_engines_crates_alone() {
    let found = sources::of(LOCK, is_tract);
    assert_eq!(found, "tract-core 0.23.9 bb76\ntract-onnx 0.23.9 4372\n");
    let ours = LOCK.replace("0.1.0", "0.2.0");
    assert_eq!(sources::of(&ours, is_tract), found);
    let other = LOCK.replace("4372", "4373");
    assert_ne!(sources::of(&other, is_tract), found);
}

#[test]
fn the_options_of_mnn_are_those_that_decide_on_its_code() {
    let cache = "# comment\nMNN_SSE:BOOL=ON\nMNN_ARM82:BOOL=OFF\n//doc\nCMAKE_BUILD_TYPE:STRING=Release\n\
                 CMAKE_CXX_FLAGS:STRING= -fPIC -m64\nCMAKE_HOME_DIRECTORY:INTERNAL=/home/me/target\nMNN_BINARY_DIR:STATIC=/home/me\n\
                 CMAKE_AR:FILEPATH=/usr/bin/ar\n";
    let expected = "CMAKE_BUILD_TYPE:STRING=Release\nCMAKE_CXX_FLAGS:STRING= -fPIC -m64\nMNN_ARM82:BOOL=OFF\nMNN_SSE:BOOL=ON";
    assert_eq!(sources::options(cache), expected);
    let notes = "set(CMAKE_CXX_COMPILER \"/usr/bin/c++\")\nset(CMAKE_CXX_COMPILER_ID \"GNU\")\nset(CMAKE_CXX_COMPILER_VERSION \"12.2.0\")\n";
    assert_eq!(sources::compiler(notes), "GNU 12.2.0");
}
