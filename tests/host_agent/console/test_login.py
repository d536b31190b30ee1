"""Who gets in, and who does not."""


def test_a_user_logs_in_sees_the_console_and_logs_out(signed_in) -> None:
    page = signed_in.get("/console")
    assert (page.status_code, "ann" in page.text) == (200, True)
    assert signed_in.submit("/console/logout").headers["location"] == "/console/login"
    assert signed_in.get("/console", allow_redirects=False).status_code == 303
