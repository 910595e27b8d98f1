import threading

from messaging import second_chance
from messaging.second_chance import SecondChance
from tests.messaging.test_heartbeat import until


class Broker:
    def __init__(self):
        self.got, self.lost, self.threads = [], 0, set()
        self.away = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def send(self, batch):
        self.may_answer.wait(10)
        self.threads.add(threading.current_thread().name)
        if self.away:
            raise ConnectionError
        self.got.append(list(batch))

    def give_up(self, count):
        self.lost += count


def test_what_is_offered_is_sent_beside_the_caller():
    broker = Broker()
    SecondChance(broker.send, broker.give_up).offer(["a", "b"])
    assert until(lambda: broker.got == [["a", "b"]])
    assert broker.threads == {"second-chance"}


def test_what_fails_again_is_given_up_and_the_next_is_tried(monkeypatch):
    monkeypatch.setattr(second_chance, "_PAUSE_SECONDS", 0.01)
    broker = Broker()
    chance = SecondChance(broker.send, broker.give_up)
    broker.away = True
    chance.offer(["a", "b"])
    assert until(lambda: broker.lost == 2)
    broker.away = False
    chance.offer(["c"])
    assert until(lambda: broker.got == [["c"]])


def test_a_broker_that_hangs_costs_a_bounded_memory(monkeypatch):
    monkeypatch.setattr(second_chance, "_MOST", 3)
    broker = Broker()
    broker.may_answer.clear()
    chance = SecondChance(broker.send, broker.give_up)
    chance.offer(["first"])
    assert until(lambda: not chance._waiting), "the thread has taken it and hangs"
    chance.offer(["a", "b"])
    chance.offer(["c", "d"])
    assert broker.lost == 1
    broker.may_answer.set()
    assert until(lambda: broker.got == [["first"], ["a", "b", "c"]])


def test_its_thread_ends_when_there_is_nothing_to_do_and_comes_back(monkeypatch):
    monkeypatch.setattr(second_chance, "_IDLE_SECONDS", 0.01)
    broker = Broker()
    chance = SecondChance(broker.send, broker.give_up)
    chance.offer(["a"])
    assert until(lambda: chance._thread is None)
    chance.offer(["b"])
    assert until(lambda: broker.got == [["a"], ["b"]])
