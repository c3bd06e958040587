from acsportal.emulator.faults import Fault, Faults, read_fault


def armed(name: str, **options: object) -> tuple[Faults, Fault]:
    faults = Faults()
    return faults, faults.arm(read_fault({"fault": name, **options}))


def test_nothing_goes_wrong_unasked() -> None:
    assert Faults().take("drop_socket", "call-1") is None


def test_an_armed_fault_is_taken_once_and_then_listed_as_used_with_its_call() -> None:
    faults, fault = armed("drop_socket")
    assert fault.row()["state"] == "armed"
    assert faults.take("drop_socket", "call-1") is fault
    assert faults.take("drop_socket", "call-1") is None
    assert faults.armed() == []
    assert faults.used() == [fault]
    assert (fault.row()["state"], fault.row()["taken"], fault.row()["calls"]) == ("used", 1, ["call-1"])


def test_a_count_is_used_up_one_by_one() -> None:
    faults, _ = armed("duplicate_callback", count=2)
    assert [bool(faults.take("duplicate_callback", "c")) for _ in range(3)] == [True, True, False]


def test_a_fault_with_a_window_holds_for_all_until_it_is_over() -> None:
    faults, fault = armed("throttle", window_s=60)
    assert all(faults.take("throttle", "c", type="answer") for _ in range(5))
    fault.armed_s -= 61
    assert faults.take("throttle", "c", type="answer") is None
    assert faults.used() == [fault]


def test_a_fault_for_one_call_leaves_others_alone() -> None:
    faults, _ = armed("drop_socket", call="call-1")
    assert faults.take("drop_socket", "call-2") is None
    assert faults.take("drop_socket", "call-1") is not None


def test_a_fault_for_one_type_of_event_leaves_others_alone() -> None:
    faults, _ = armed("lose_callback", type="CallConnected")
    assert faults.take("lose_callback", "c", type="ParticipantsUpdated") is None
    assert faults.take("lose_callback", "c", type="Microsoft.Communication.CallConnected") is not None


def test_a_fault_of_one_door_leaves_the_other_alone() -> None:
    faults, _ = armed("no_token", where="socket")
    assert faults.take("no_token", "c", where="callback", type="CallConnected") is None
    assert faults.take("no_token", "c", where="socket", type="") is not None


def test_who_listens_hears_of_each_fault_until_no_longer() -> None:
    faults = Faults()
    heard: list[str] = []
    forget = faults.listen(lambda fault: heard.append(fault.name))
    faults.arm(read_fault({"fault": "drop_socket"}))
    forget()
    forget()
    faults.arm(read_fault({"fault": "drop_socket"}))
    assert heard == ["drop_socket"]


def test_what_is_disarmed_happens_no_more() -> None:
    faults, fault = armed("drop_socket")
    assert faults.disarm() == [fault]
    assert faults.take("drop_socket", "call-1") is None
