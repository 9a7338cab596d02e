//! The command `optiverse-relay`.

use std::process::ExitCode;

fn main() -> ExitCode {
    optiverse_relay::command::run(std::env::args_os()).into()
}
