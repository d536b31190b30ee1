"""That the measurement works; what it measures is for a person on a quiet machine."""

import pytest

from tools.bench import cfb8


def test_the_bench_compares_both_variants_with_bare_calls(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cfb8, "ROUNDS", 20)
    cfb8.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[:3]] == ["bare ECB", "CFB8", "without viper"]
    assert lines[0].endswith("1.00x") and lines[3] == "the budget of CFB8 is 1.4x"
