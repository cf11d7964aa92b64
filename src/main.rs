//! The `twinspan` program: see the library's `cli`.

fn main() -> std::process::ExitCode {
    twinspan::cli::main()
}
