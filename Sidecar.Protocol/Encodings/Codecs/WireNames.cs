namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>The names that the values of an enum have on the wire.</summary>
internal sealed class WireNames<T>(params (string Name, T Value)[] names)
    where T : struct, Enum
{
    /// <summary>The name of a value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It has none.</exception>
    internal string Of(T value)
    {
        foreach (var (name, named) in names)
        {
            if (EqualityComparer<T>.Default.Equals(named, value))
            {
                return name;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(value), value, "this value has no name on the wire");
    }

    /// <summary>The value with a name; null for a name that nobody knows.</summary>
    internal T? Find(string text)
    {
        foreach (var (name, value) in names)
        {
            if (string.Equals(name, text, StringComparison.Ordinal))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>The value with a name.</summary>
    /// <exception cref="ProtocolException">Nobody knows the name.</exception>
    internal T Parse(string member, string text) => Find(text) ?? throw ProtocolErrors.Unknown(
        member, text, $"{string.Join(", ", names.SkipLast(1).Select(static known => known.Name))} and {names[^1].Name}");
}
