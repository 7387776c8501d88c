import Glibc
import Testing

@testable import LoadTester

@Suite struct LedgerTests {
    private func withPath(_ body: (String) throws -> Void) throws {
        let path = "/tmp/needletail-ledger-test-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        defer { unlink(path) }
        try body(path)
    }

    private func append(_ records: [LedgerRecord], to path: String) throws {
        let file = try LedgerFile(path: path, payload: .smartMeter)
        var page = LedgerPage()
        for record in records { page.append(record) }
        try file.write(&page)
        #expect(page.byteCount == 0)
    }

    @Test func whatIsWrittenIsRead() throws {
        try withPath { path in
            try append([.init(device: 3, timestamp: 30), .init(device: 1, timestamp: 1_700_000_000_000)], to: path)
            let contents = try LedgerContents(readingFile: path)
            #expect(contents.payload == .smartMeter)
            #expect(contents.devices.map(\.device) == [1, 3])
            #expect(contents.devices.map(\.timestamps) == [[1_700_000_000_000], [30]])
        }
    }

    @Test func aLedgerGoesOnWhereItEnded() throws {
        try withPath { path in
            try append([.init(device: 1, timestamp: 2)], to: path)
            try append([.init(device: 1, timestamp: 1), .init(device: 1, timestamp: 2)], to: path)
            let contents = try LedgerContents(readingFile: path)
            #expect(contents.devices.map(\.timestamps) == [[1, 2]])
            #expect(contents.recordCount == 2)
        }
    }

    @Test(arguments: 1..<12)
    func aRecordThatWasCutOffIsIgnoredAndReplaced(missing: Int) throws {
        try withPath { path in
            try append([.init(device: 1, timestamp: 1), .init(device: 1, timestamp: 2)], to: path)
            truncate(path, 16 + 24 - missing)
            #expect(try LedgerContents(readingFile: path).devices.map(\.timestamps) == [[1]])
            try append([.init(device: 1, timestamp: 3)], to: path)
            #expect(try LedgerContents(readingFile: path).devices.map(\.timestamps) == [[1, 3]])
        }
    }

    @Test func aLedgerOfOtherMessagesIsRefused() throws {
        try withPath { path in
            try append([.init(device: 1, timestamp: 1)], to: path)
            #expect(throws: LedgerError.otherPayload(.smartMeter)) {
                try LedgerFile(path: path, payload: .industrialPLC)
            }
        }
    }

    @Test func anotherFileIsRefused() throws {
        try withPath { path in
            try SystemFile.write("something that is no ledger at all", to: path)
            #expect(throws: LedgerError.notALedger) { try LedgerContents(readingFile: path) }
            #expect(throws: LedgerError.notALedger) { try LedgerFile(path: path, payload: .smartMeter) }
        }
    }

    @Test func aMissingFileIsNamed() {
        #expect(throws: LedgerError.system(operation: "open /nonexistent/ledger", code: ENOENT)) {
            try LedgerContents(readingFile: "/nonexistent/ledger")
        }
    }
}
