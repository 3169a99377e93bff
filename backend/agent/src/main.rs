//! The first process of every instance. All of it is in the library, where it can be tested.

use std::process::ExitCode;

fn main() -> ExitCode {
    aerie_agent::main()
}
