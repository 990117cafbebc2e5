using System.Globalization;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Integers that came as floats: JavaScript and Python peers write 403.0 at times.</summary>
internal static class Numbers
{
    private const double TwoTo63 = 9_223_372_036_854_775_808d;
    private const double TwoTo64 = 18_446_744_073_709_551_616d;

    /// <summary>A whole, not negative float below 2^64 as an integer.</summary>
    internal static ulong ToUInt64(string member, double value) =>
        value >= 0 && value < TwoTo64 && double.IsInteger(value)
            ? (ulong)value
            : throw NotWhole(member, value, "0 to 18446744073709551615");

    /// <summary>A whole float within ±2^63 as an integer.</summary>
    internal static long ToInt64(string member, double value) =>
        value >= -TwoTo63 && value < TwoTo63 && double.IsInteger(value)
            ? (long)value
            : throw NotWhole(member, value, "within 64 bits, signed");

    private static ProtocolException NotWhole(string member, double value, string range) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{member} is {value}; it must be a whole number, {range}"));
}
