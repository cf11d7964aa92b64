//! (being written)

pub mod demo;

#[derive(clap::Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Demo(demo::Args),
}

/// Runs the command line.
pub fn main() -> std::process::ExitCode {
    let Command::Demo(args) = <Cli as clap::Parser>::parse().command;
    demo::run(args)
}
