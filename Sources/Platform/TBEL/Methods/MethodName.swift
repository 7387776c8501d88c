/// Every method of every type, so that a script looks its names up once, when it is compiled.
enum MethodName: String {
    // Of many types
    case size, length, isEmpty, clear, contains, remove, add, addAll, get, set, clone, equals, hashCode, toString
    case removeAll, retainAll, containsAll, toArray, toList, toUnmodifiable, reverse, toReversed, slice, toSorted, sort
    case compareTo, memorySize
    // Maps
    case keys, keySet, values, entrySet, containsKey, containsValue, getOrDefault, put, putAll, putIfAbsent, replace
    case sortByKey, sortByValue, toSortedByKey, toSortedByValue, invert, toInverted
    // Entries
    case getKey, getValue
    // Rolling arguments
    case mean, avg, std, median, count, first, last, merge, mergeAll, getSize, getValues, getTimeWindow
    // Lists
    case push, pop, shift, unshift, indexOf, lastIndexOf, join, concat, splice, toSpliced, fill, with, subList
    case validateClazzInArrayIsOnlyString, validateClazzInArrayIsOnlyNumber
    // Texts
    case charAt, codePointAt, substring, subSequence, startsWith, endsWith, toUpperCase, toLowerCase, trim, strip
    case stripLeading, stripTrailing, split, replaceAll, replaceFirst, matches, equalsIgnoreCase, compareToIgnoreCase
    case contentEquals, regionMatches, `repeat`, getBytes, toCharArray, formatted, intern, isBlank
    // Numbers
    case intValue, longValue, doubleValue, floatValue, byteValue, shortValue, booleanValue, isNaN, isInfinite
    // Static: numbers
    case parseInt, parseLong, parseDouble, parseFloat, parseBoolean, valueOf, toHexString, toBinaryString, toOctalString
    case parseByte, parseShort, parseUnsignedInt, parseUnsignedLong, toUnsignedInt, toUnsignedLong, toUnsignedString
    case compare, signum, bitCount, reverseBytes, highestOneBit, lowestOneBit
    case numberOfLeadingZeros, numberOfTrailingZeros, rotateLeft, rotateRight, sum, max, min, isFinite
    case divideUnsigned, remainderUnsigned, compareUnsigned
    case floatToIntBits, intBitsToFloat, doubleToLongBits, longBitsToDouble, floatToRawIntBits, doubleToRawLongBits
    // Static: Math
    case abs, ceil, floor, round, rint, sqrt, cbrt, pow, exp, expm1, log, log10, log1p, sin, cos, tan, asin, acos, atan
    case atan2, sinh, cosh, tanh, hypot, toRadians, toDegrees, random, floorDiv, floorMod, ulp
    case addExact, subtractExact, multiplyExact, incrementExact, decrementExact, negateExact, toIntExact, absExact
    // Static: others
    case format, stringify, parse, now, UTC
    case isDigit, isLetter, isLetterOrDigit, isWhitespace, isUpperCase, isLowerCase, getNumericValue
    // Generators
    case nextInt, nextLong, nextDouble, nextFloat, nextBoolean
    // Dates
    case getTime, setTime, parseSecond, parseSecondMilli
    case toISOString, toJSON, toDateString, toTimeString, toUTCString, toLocaleString, toLocaleDateString,
        toLocaleTimeString
    case getFullYear, getMonth, getDate, getDay, getHours, getMinutes, getSeconds, getMilliseconds
    case getUTCFullYear, getUTCMonth, getUTCDate, getUTCDay, getUTCHours, getUTCMinutes, getUTCSeconds,
        getUTCMilliseconds
    case setFullYear, setMonth, setDate, setHours, setMinutes, setSeconds, setMilliseconds
    case setUTCFullYear, setUTCMonth, setUTCDate, setUTCHours, setUTCMinutes, setUTCSeconds, setUTCMilliseconds
    case addYears, addMonths, addWeeks, addDays, addHours, addMinutes, addSeconds, addNanos
}
