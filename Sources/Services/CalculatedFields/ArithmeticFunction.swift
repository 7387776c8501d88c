import Glibc

/// The functions that expressions know.
enum ArithmeticFunction: String, Sendable, CaseIterable {
    case sin, cos, tan, cot, sec, csc, asin, acos, atan, sinh, cosh, tanh, coth, sech, csch
    case log, log2, log10, log1p, ln, lg, logab, logb, exp, expm1, pow, sqrt, cbrt
    case abs, floor, ceil, signum, toradian, todegree

    var argumentCount: Int {
        switch self {
        case .pow, .logab, .logb: 2
        default: 1
        }
    }

    static func power(_ a: Double, _ b: Double) -> Double { Glibc.pow(a, b) }

    /// - Parameter b: The second argument of those that have two.
    func apply(_ a: Double, _ b: Double) -> Double {
        switch self {
        case .sin: Glibc.sin(a)
        case .cos: Glibc.cos(a)
        case .tan: Glibc.tan(a)
        case .cot: 1 / Glibc.tan(a)
        case .sec: 1 / Glibc.cos(a)
        case .csc: 1 / Glibc.sin(a)
        case .asin: Glibc.asin(a)
        case .acos: Glibc.acos(a)
        case .atan: Glibc.atan(a)
        case .sinh: Glibc.sinh(a)
        case .cosh: Glibc.cosh(a)
        case .tanh: Glibc.tanh(a)
        case .coth: Glibc.cosh(a) / Glibc.sinh(a)
        case .sech: 1 / Glibc.cosh(a)
        case .csch: 1 / Glibc.sinh(a)
        case .log, .ln: Glibc.log(a)
        case .log2: Glibc.log(a) / Glibc.log(2)
        case .log10, .lg: Glibc.log10(a)
        case .log1p: Glibc.log1p(a)
        case .logab, .logb: Glibc.log(b) / Glibc.log(a)
        case .exp: Glibc.exp(a)
        case .expm1: Glibc.expm1(a)
        case .pow: Glibc.pow(a, b)
        case .sqrt: a.squareRoot()
        case .cbrt: Glibc.cbrt(a)
        case .abs: Swift.abs(a)
        case .floor: a.rounded(.down)
        case .ceil: a.rounded(.up)
        case .signum: a > 0 ? 1 : a < 0 ? -1 : 0
        case .toradian: a / 180 * .pi
        case .todegree: a / .pi * 180
        }
    }
}
