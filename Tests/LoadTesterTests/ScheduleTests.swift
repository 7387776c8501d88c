import Testing

@testable import LoadTester

@Suite struct ScheduleTests {
    private func schedule(devices: Int, rate: Double, seconds: Double, alarms: AlarmStorm = .init()) -> Schedule {
        Schedule(deviceCount: devices, rate: rate, durationSeconds: seconds, alarms: alarms)
    }

    @Test func messagesAreEvenlySpread() {
        let schedule = schedule(devices: 10, rate: 1000, seconds: 2)
        #expect(schedule.messageCount == 2000)
        #expect(schedule.dueNanoseconds(of: 0) == 0)
        #expect(schedule.dueNanoseconds(of: 1) == 1_000_000)
        #expect(schedule.dueNanoseconds(of: 1999) == 1_999_000_000)
    }

    @Test func nothingComesDueEarly() {
        var part = SchedulePart(of: schedule(devices: 4, rate: 100, seconds: 1), loopIndex: 0, loopCount: 1)
        #expect(part.takeDue(elapsed: 0) == 0)
        #expect(part.takeDue(elapsed: 9_999_999) == nil)
        #expect(part.takeDue(elapsed: 10_000_000) == 1)
        #expect(part.takeDue(elapsed: 10_000_000) == nil)
    }

    @Test func aStallDoesNotSlowArrivals() {
        var part = SchedulePart(of: schedule(devices: 3, rate: 1000, seconds: 1), loopIndex: 0, loopCount: 1)
        var taken = 0
        while part.takeDue(elapsed: 5_000_000_000) != nil { taken += 1 }
        #expect(taken == 1000)
        #expect(part.nextDueNanoseconds == nil)
    }

    @Test(arguments: [(7, 3), (1, 1), (4, 2), (5, 4)])
    func loopsTogetherPlayEveryMessageOnce(devices: Int, loops: Int) {
        let schedule = schedule(devices: devices, rate: 50, seconds: 2)
        var perDevice = [Int](repeating: 0, count: devices)
        for loop in 0..<loops {
            var part = SchedulePart(of: schedule, loopIndex: loop, loopCount: loops)
            var last: UInt64 = 0
            while let due = part.nextDueNanoseconds, let slot = part.takeDue(elapsed: .max) {
                #expect(due >= last)
                last = due
                let device = part.device(slot: slot)
                #expect(schedule.dueNanoseconds(of: schedule.message(device: device, round: perDevice[device])) == due)
                perDevice[device] += 1
            }
        }
        #expect(perDevice.reduce(0, +) == 100)
        #expect(perDevice.max()! - perDevice.min()! <= 1)
    }

    @Test func alarmsKeepToTheirTimeAndRate() {
        let schedule = schedule(
            devices: 10, rate: 100, seconds: 10, alarms: AlarmStorm(perSecond: 5, startSecond: 2, endSecond: 4))
        let alarms = (0..<schedule.messageCount).filter { schedule.isAlarm(message: $0) }
        #expect(alarms.count == 10)
        #expect(alarms.allSatisfy { (200..<400).contains($0) })
    }

    @Test func moreAlarmsThanMessagesMakeEveryMessageAnAlarm() {
        let storm = AlarmStorm(perSecond: 1000, startSecond: 0, endSecond: 1)
        #expect((0..<10).allSatisfy { storm.isAlarm(message: $0, rate: 10) })
        #expect(!storm.isAlarm(message: 10, rate: 10))
    }
}
