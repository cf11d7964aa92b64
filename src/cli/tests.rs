use clap::CommandFactory;

use super::{
    Cli, human,
    screen::{Screen, Tone},
    table::{Cell, Table},
};

fn written(table: &mut Table, colour: bool) -> String {
    let mut out = Vec::new();
    table.write(&mut Screen::new(&mut out, colour)).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_words_of_the_command_line_do_not_contradict_each_other() {
    Cli::command().debug_assert();
}

#[test]
fn durations_are_shown_by_their_two_largest_units() {
    let shown = [0, 59, 60, 192, 3_600, 7_932, 86_399, 86_400, 93_600, 86_400 * 400].map(human::duration);
    assert_eq!(shown, ["0s", "59s", "1m", "3m12s", "1h", "2h12m", "23h59m", "1d", "1d2h", "400d"]);
}

#[test]
fn counts_have_their_thousands_apart() {
    assert_eq!([0, 999, 1_000, 577_737, 1_000_000].map(human::count), ["0", "999", "1,000", "577,737", "1,000,000"]);
}

#[test]
fn octets_are_shown_with_three_digits() {
    let shown = [0, 999, 1_000, 9_994, 9_996, 99_960, 999_499, 999_500, 1_342_177_280, u64::MAX].map(human::octets);
    assert_eq!(
        shown,
        ["0 B", "999 B", "1.00 kB", "9.99 kB", "10.0 kB", "100 kB", "999 kB", "1.00 MB", "1.34 GB", "18.4 EB"]
    );
}

#[test]
fn a_table_aligns_numbers_to_the_right_and_ends_no_line_in_blanks() {
    let mut table = Table::new(&["NAME", ">FOR", "WHY"]);
    table.row(["hq-1".into(), "3m12s".into(), "".into()]);
    table.row(["a-long-name".into(), "5s".into(), "tired".into()]);
    assert_eq!(
        written(&mut table, false),
        "NAME           FOR  WHY\n\
         hq-1         3m12s\n\
         a-long-name     5s  tired\n"
    );
}

#[test]
fn a_table_in_pages_has_one_title_and_never_gets_narrower() {
    let mut table = Table::new(&["A", "B"]);
    table.row(["long".into(), "x".into()]);
    let first = written(&mut table, false);
    table.row(["s".into(), "y".into()]);
    assert_eq!(first + &written(&mut table, false), "A     B\nlong  x\ns     y\n");
}

#[test]
fn colour_changes_no_column_and_is_absent_where_it_is_not_wanted() {
    let table = || {
        let mut table = Table::new(&["A", "B"]);
        table.row([Cell::toned("up", Tone::Good), "x".into()]);
        table
    };
    assert_eq!(written(&mut table(), false), "A   B\nup  x\n");
    assert_eq!(written(&mut table(), true), "\u{1b}[2mA\u{1b}[0m   \u{1b}[2mB\u{1b}[0m\n\u{1b}[32mup\u{1b}[0m  x\n");
}

#[test]
fn what_a_far_end_sends_cannot_steer_the_terminal() {
    let mut out = Vec::new();
    Screen::new(&mut out, true).line("bye\u{1b}[2J\nforged").unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "bye?[2J?forged\n");
}
