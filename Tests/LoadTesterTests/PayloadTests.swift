import Bytes
import JSON
import Testing

@testable import LoadTester

@Suite struct PayloadTests {
    private func document(
        _ type: PayloadType, device: Int = 7, timestamp: Int64 = 1_700_000_000_123, alarm: Bool = false
    ) throws -> JSONValue {
        var buffer = ByteBuffer()
        type.append(device: device, timestamp: timestamp, alarm: alarm, to: &buffer)
        return try JSONValue.parse(buffer.copy())
    }

    @Test(arguments: PayloadType.allCases, [false, true])
    func documentsHaveTheirTimeAndKeys(type: PayloadType, alarm: Bool) throws {
        let document = try document(type, alarm: alarm)
        #expect(document["ts"]?.integerValue == 1_700_000_000_123)
        #expect(document["values"]?.objectValue?.keys == type.keys)
        #expect(type.keys.count == type.valueCount)
    }

    @Test(arguments: PayloadType.allCases)
    func theSameMessageIsTheSameToTheByte(type: PayloadType) throws {
        #expect(try document(type) == document(type))
        #expect(try document(type, device: 1) != document(type, device: 2))
    }

    @Test(arguments: 1_700_000_000_000..<1_700_000_000_050 as Range<Int64>)
    func alarmsCrossTheThresholdAndOthersDoNot(timestamp: Int64) throws {
        let quiet = try document(.smartMeter, timestamp: timestamp)
        let loud = try document(.smartMeter, timestamp: timestamp, alarm: true)
        #expect(quiet["values"]!["batteryLevel"]!.integerValue! > 20)
        #expect(loud["values"]!["batteryLevel"]!.integerValue! <= 20)
        let line = try document(.industrialPLC, timestamp: timestamp)["values"]!["line000"]!.doubleValue!
        let overload = try document(.industrialPLC, timestamp: timestamp, alarm: true)["values"]!["line000"]!
        #expect(line < 500)
        #expect(overload.doubleValue! >= 500)
    }

    @Test(arguments: [0, 9, 10, 99, 100, 12_345_678_901_234_567_890, .max] as [UInt64])
    func decimalsAreWrittenInFull(value: UInt64) {
        var buffer = ByteBuffer()
        buffer.append(decimal: value)
        #expect(buffer.copy() == Array(String(value).utf8))
    }

    @Test func fractionsKeepTheirZeros() {
        var buffer = ByteBuffer()
        buffer.append(millionths: 42_000_007)
        buffer.append(utf8: " ")
        buffer.append(tenths: 50)
        #expect(String(decoding: buffer.copy(), as: UTF8.self) == "42.000007 5.0")
    }
}
