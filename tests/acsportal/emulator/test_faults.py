import pytest

from acsportal.emulator.faults import AVAILABLE, Fault, Faults, UnknownFaultError


def test_nothing_goes_wrong_unasked() -> None:
    assert Faults().take("drop_socket", "call-1") is None


def test_an_armed_fault_is_taken_once() -> None:
    faults = Faults()
    fault = faults.arm(Fault("drop_socket"))
    assert faults.take("drop_socket", "call-1") is fault
    assert faults.take("drop_socket", "call-1") is None
    assert faults.armed() == []


def test_a_count_is_used_up_one_by_one() -> None:
    faults = Faults()
    faults.arm(Fault("duplicate_callback", count=2))
    assert [bool(faults.take("duplicate_callback", "c")) for _ in range(3)] == [True, True, False]


def test_a_fault_for_one_call_leaves_others_alone() -> None:
    faults = Faults()
    faults.arm(Fault("drop_socket", call="call-1"))
    assert faults.take("drop_socket", "call-2") is None
    assert faults.take("drop_socket", "call-1") is not None


def test_a_fault_for_one_type_of_event_leaves_others_alone() -> None:
    faults = Faults()
    faults.arm(Fault("duplicate_callback", type="CallConnected"))
    assert faults.take("duplicate_callback", "c", "ParticipantsUpdated") is None
    assert faults.take("duplicate_callback", "c", "Microsoft.Communication.CallConnected") is not None


def test_who_listens_hears_of_each_fault_until_no_longer() -> None:
    faults = Faults()
    heard: list[str] = []
    forget = faults.listen(lambda fault: heard.append(fault.name))
    faults.arm(Fault("drop_socket"))
    forget()
    forget()
    faults.arm(Fault("drop_socket"))
    assert heard == ["drop_socket"]


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownFaultError) as refused:
        Faults().arm(Fault("half_open_socket"))
    assert all(name in str(refused.value) for name in AVAILABLE)
