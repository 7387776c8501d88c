import WebSocket

/// Called by libFuzzer with bytes of its invention: frames of a client, whole and in pieces.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzWebSocket(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard let bytes, count > 0 else { return 0 }
    switch FrameOracle.check(Array(UnsafeBufferPointer(start: bytes, count: count))) {
    case .success(let reading): plantedBug(reading)
    case .failure(let violation): fatalError(violation.description)
    }
    return 0
}

/// In the canary build: a crash behind a whole message, which proves that the fuzzer gets there and sees crashes.
private func plantedBug(_ reading: FrameOracle.Reading) {
    #if CANARY
    if reading.payload.last == UInt8(ascii: "|") { fatalError("the canary sings") }
    #endif
}
