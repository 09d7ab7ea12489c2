//! Tables as users see them.

use super::*;

const COLUMNS: [Column; 3] = [Column::number("ID"), Column::word("NUMBER"), Column::text("TEXT")];

fn table(rows: &[[&str; 3]]) -> String {
    let mut table = Table::new(COLUMNS);
    for row in rows {
        table.row(row);
    }
    table.take()
}

fn fits(block: &str) {
    for line in block.lines() {
        assert!(width(line) <= SCREEN, "{} columns: {line}", width(line));
        assert_eq!(line, line.trim_end());
    }
}

#[test]
fn columns_are_as_wide_as_their_cells() {
    let block = table(&[["1", "10086", "hi"], ["12", "+8613800138000", ""]]);
    assert_eq!(block, "ID  NUMBER          TEXT\n 1  10086           hi\n12  +8613800138000  -\n");
    assert_eq!(Table::new(COLUMNS).take(), "");
}

#[test]
fn wide_characters_count_twice() {
    let block = table(&[["1", "中国", "a"], ["2", "10086", "b"]]);
    assert_eq!(block, "ID  NUMBER  TEXT\n 1  中国    a\n 2  10086   b\n");
}

#[test]
fn long_text_is_wrapped_in_its_column() {
    let text = "Your parcel will be delivered between nine and eleven; nobody need be at home. 您的包裹";
    let block = table(&[["1", "+8613800138000", text]]);
    assert_eq!(
        block,
        "ID  NUMBER          TEXT\n \
         1  +8613800138000  Your parcel will be delivered between nine and eleven;\n                    \
         nobody need be at home. 您的包裹\n"
    );
    fits(&block);
}

#[test]
fn control_characters_are_escaped() {
    let block = table(&[["1", "Bank\x1b[31m", "a\nb\u{202e}c"]]);
    assert!(block.ends_with("1  Bank\\u{1b}[31m  a\\nb\\u{202e}c\n"), "{block}");
}

#[test]
fn rows_that_are_too_wide_become_lists() {
    let (long, longer) = ("9".repeat(70), "x".repeat(200));
    let block = table(&[["1", &long, &longer], ["2", &long, "y"]]);
    fits(&block);
    assert!(block.starts_with("ID      1\nNUMBER  999"), "{block}");
    assert!(block.contains("x\n\nID      2\n"), "{block}");
    assert_eq!(block.matches('x').count(), 200);
}

#[test]
fn every_table_fits_the_screen() {
    let cells = ["1", "10086", "a b", "汉字汉字汉字", "long-unbroken-long-unbroken-long"];
    for (number, text) in cells.iter().flat_map(|a| cells.iter().map(move |b| (a.repeat(4), b.repeat(9)))) {
        fits(&table(&[["1", &number, &text], ["2", &text, &number]]));
    }
}

#[test]
fn blocks_keep_their_widths_where_possible() {
    let mut table = Table::new(COLUMNS);
    table.row(["1", "13800138000", "first"]);
    assert_eq!(table.take(), "ID  NUMBER       TEXT\n 1  13800138000  first\n");
    table.row(["2", "10086", "two"]);
    assert_eq!(table.take(), " 2  10086        two\n");
    table.row(["3", "+8613800138000", "three"]);
    assert_eq!(table.take(), "\nID  NUMBER          TEXT\n 3  +8613800138000  three\n");
    assert_eq!(table.take(), "");
}

#[test]
fn a_wider_screen_is_used() {
    let text = "word ".repeat(30);
    let mut table = Table::new(COLUMNS).screen(Some(200));
    table.row(["1", "10086", text.trim_end()]);
    assert_eq!(table.take().lines().count(), 2);
}

#[test]
fn without_a_screen_each_row_is_one_line() {
    let (long, longer) = ("9".repeat(70), "long text ".repeat(200));
    let mut table = Table::new(COLUMNS).screen(None);
    table.row(["1", &long, longer.trim_end()]);
    table.row(["2", "10086", ""]);
    let block = table.take();
    let lines: Vec<_> = block.lines().collect();
    assert_eq!((lines.len(), lines[2].starts_with(" 2  10086")), (3, true), "{block}");
}
