/// How a bound is divided among tenants: each may hold at most twice what is free. One alone comes to two thirds of the
/// bound, and leaves a third to others; each that keeps what it has leaves a third of what was left.
public enum FairShare {
    /// How many times what is free one may hold.
    private static let factor = 2

    /// Whether somebody who holds so much may have more.
    ///
    /// - Parameter free: What nobody holds of the bound.
    public static func admits(held: Int, free: Int) -> Bool { held < factor * free }

    /// Whether somebody who was refused may go on: later than it would be admitted, so that not every answer wakes it.
    public static func readmits(held: Int, free: Int) -> Bool { held < factor / 2 * free }
}
