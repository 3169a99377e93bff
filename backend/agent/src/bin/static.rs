//! The same program once more, under the name by which `scripts/build` tells that it is to be linked statically.

use std::process::ExitCode;

fn main() -> ExitCode {
    aerie_agent::main()
}
