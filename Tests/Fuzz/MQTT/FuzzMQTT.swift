import MQTTProtocol

/// Called by libFuzzer with bytes of its invention; the first one chooses the version.
///
/// Address sanitizer watches for reads past the end, the oracle for packets that change on their way through the codec.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMQTT(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard let bytes, count > 0 else { return 0 }
    let version = MQTTVersion.allCases[Int(bytes[0]) % MQTTVersion.allCases.count]
    let input = UnsafeBufferPointer(start: bytes + 1, count: count - 1)
    switch CodecOracle.check(input.span, version) {
    case .success(let packets): plantedBug(input, packets)
    case .failure(let violation): fatalError(violation.description)
    }
    return 0
}

/// In the canary build: a crash behind a valid PUBLISH, which proves that the fuzzer gets there and sees crashes.
private func plantedBug(_ input: UnsafeBufferPointer<UInt8>, _ packets: Int) {
    #if CANARY
    if packets > 0, input[0] >> 4 == MQTTPacketType.publish.rawValue { fatalError("the canary sings") }
    #endif
}
