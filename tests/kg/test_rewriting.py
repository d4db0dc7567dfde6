"""Blank nodes in N-Quads text are named; literals that look like blank nodes are left alone."""

from kg.rewriting import BlankNames, reification, without_rdf12


def names() -> BlankNames:
    return BlankNames(lambda: "0123456789ab")


def test_blank_nodes_are_numbered_by_first_occurrence_in_every_position() -> None:
    text = b"_:x <urn:p> _:y _:g .\n<urn:a> <urn:p> _:x <urn:g> .\n<urn:a> <urn:p> _:z .\n"
    start = b"<urn:sensegraph:blank:0123456789ab:"
    assert names().applied(text) == (
        start + b"0> <urn:p> " + start + b"1> " + start + b"2> .\n"
        b"<urn:a> <urn:p> " + start + b"0> <urn:g> .\n"
        b"<urn:a> <urn:p> " + start + b"3> .\n"
    )


def test_names_are_kept_from_chunk_to_chunk() -> None:
    blanks = names()
    assert blanks.applied(b"_:x <urn:p> <urn:o> .\n") == blanks.applied(b"_:x <urn:p> <urn:o> .\n")


def test_literals_that_look_like_blank_nodes_are_left_alone() -> None:
    lines = [
        rb'<urn:a> <urn:p> "_:x" .',
        rb'<urn:a> <urn:p> "a _:x ." .',
        rb'<urn:a> <urn:p> "> _:x"@en <urn:g> .',
        rb'<urn:a> <urn:p> "> _:x <urn:g> ."^^<urn:d> .',
        rb'<urn:a> <urn:p> "_:x \" _:y ." <urn:g> .',
    ]
    text = b"\n".join(lines) + b"\n"
    assert names().applied(text) == text


def test_the_digest_is_not_asked_for_without_blank_nodes() -> None:
    def fail() -> str:
        raise AssertionError

    assert BlankNames(fail).applied(b'<urn:a> <urn:p> "_:x" .\n') == b'<urn:a> <urn:p> "_:x" .\n'


def test_statements_of_rdf_1_2_are_taken_out_and_told() -> None:
    kept = b'<urn:a> <urn:p> "<<( and @en--ltr " .\n'
    told: list[str] = []
    text = (
        b"<urn:a> <urn:p> <<( <urn:a> <urn:p> <urn:b> )>> .\n" + kept
    ) + b'<urn:a> <urn:p> "x"@en--ltr .\n'
    assert without_rdf12(text, told.append) == kept
    assert told == [
        "<urn:a> <urn:p> <<( <urn:a> <urn:p> <urn:b> )>> .",
        '<urn:a> <urn:p> "x"@en--ltr .',
    ]


def test_a_reifier_is_spelt_out_and_all_other_triple_terms_stay() -> None:
    rdf = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    head = b"_:r <" + rdf + b"reifies> "
    nested = head + b"<<( <urn:a> <urn:p> <<( <urn:a> <urn:p> <urn:b> )>> )>> .\n"
    other = b"<urn:a> <urn:p> <<( <urn:a> <urn:p> <urn:b> )>> .\n"
    plain = head + b'"<<( <urn:a> <urn:p> <urn:b> )>>" .\n'
    text = head + b'<<( _:x <urn:p> "a )>> b"@en )>> <urn:g> .\n'
    met: list[bytes] = []
    found = reification(text + nested + other + plain, lambda node, statement: met.append(node))
    spelt = (
        b"_:r <%bsubject> _:x <urn:g> .\n" % rdf
        + b"_:r <%bpredicate> <urn:p> <urn:g> .\n" % rdf
        + b'_:r <%bobject> "a )>> b"@en <urn:g> .\n' % rdf
    )
    assert found == spelt + nested + other + plain
    assert met == [b"_:r"]
