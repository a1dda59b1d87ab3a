use super::*;

#[test]
fn a_hello_without_a_bitmap_speaks_all_up_to_its_version() {
    let frame = [4, 0, 0, 8, 0, 0, 0, 1];
    assert_eq!(Message::decode(&frame), Ok((1, Message::Hello(vec![4, 3, 2, 1]))));
}
