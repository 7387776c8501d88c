import Crypto
import Testing

@Suite struct ChecksumTests {
    @Test(arguments: [
        (Checksum.md5, "900150983cd24fb0d6963f7d28e17f72"),
        (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (.crc32, "c2412435"), (.murmur3x32, "fa93ddb3"), (.murmur3x128, "6778ad3f3f3f96b4522dca264174a23b"),
    ])
    func ofShortText(_ algorithm: Checksum, _ digits: String) {
        #expect(algorithm.digits(of: Array("abc".utf8)) == digits)
    }

    @Test(arguments: [
        (Checksum.md5, "d41d8cd98f00b204e9800998ecf8427e"), (.crc32, "00000000"), (.murmur3x32, "00000000"),
        (.murmur3x128, "00000000000000000000000000000000"),
    ])
    func ofNothing(_ algorithm: Checksum, _ digits: String) {
        #expect(algorithm.digits(of: []) == digits)
    }

    @Test func lengthsAroundABlockDiffer() {
        for algorithm in Checksum.allCases {
            let all = Set((0...40).map { algorithm.digits(of: [UInt8](repeating: 7, count: $0)) })
            #expect(all.count == 41)
        }
    }
}
