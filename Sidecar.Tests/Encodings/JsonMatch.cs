using System.Globalization;
using System.Text.Json;

namespace Sidecar.Tests.Encodings;

/// <summary>Compares JSON by meaning: order of members and forms of numbers do not count.</summary>
internal static class JsonMatch
{
    /// <summary>The first place where a value lacks or differs from what is expected, or null. Members beyond the expected ones are allowed.</summary>
    public static string? Missing(JsonElement expected, JsonElement actual) => Compare("$", expected, actual, exact: false);

    /// <summary>The first place where two values differ, or null.</summary>
    public static string? Difference(JsonElement expected, JsonElement actual) => Compare("$", expected, actual, exact: true);

    private static string? Compare(string path, JsonElement expected, JsonElement actual, bool exact)
    {
        if (expected.ValueKind != actual.ValueKind)
        {
            return $"{path}: expected {expected.GetRawText()}, found {actual.GetRawText()}";
        }

        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                return CompareObjects(path, expected, actual, exact);
            case JsonValueKind.Array when expected.GetArrayLength() == actual.GetArrayLength():
                return expected.EnumerateArray().Zip(actual.EnumerateArray())
                    .Select((pair, i) => Compare($"{path}[{i}]", pair.First, pair.Second, exact))
                    .FirstOrDefault(difference => difference is not null);
            case JsonValueKind.Number when SameNumber(expected.GetRawText(), actual.GetRawText()):
            case JsonValueKind.String when string.Equals(expected.GetString(), actual.GetString(), StringComparison.Ordinal):
            case JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null:
                return null;
            default:
                return $"{path}: expected {expected.GetRawText()}, found {actual.GetRawText()}";
        }
    }

    private static string? CompareObjects(string path, JsonElement expected, JsonElement actual, bool exact)
    {
        foreach (var member in expected.EnumerateObject())
        {
            if (!actual.TryGetProperty(member.Name, out var value))
            {
                return $"{path}.{member.Name} is missing";
            }

            if (Compare($"{path}.{member.Name}", member.Value, value, exact) is { } difference)
            {
                return difference;
            }
        }

        return exact && actual.GetPropertyCount() != expected.GetPropertyCount()
            ? $"{path}: expected members {expected.GetRawText()}, found {actual.GetRawText()}"
            : null;
    }

    // Floats of 32 bits are written shortest in JSON and exactly in MessagePack, so fractions compare as floats of 32 bits.
    private static bool SameNumber(string left, string right) =>
        decimal.Parse(left, NumberStyles.Float, CultureInfo.InvariantCulture) is var a
        && decimal.Parse(right, NumberStyles.Float, CultureInfo.InvariantCulture) is var b
        && (a == b || (!decimal.IsInteger(a) && (float)a == (float)b));
}
