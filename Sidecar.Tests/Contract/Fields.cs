namespace Sidecar.Tests.Contract;

/// <summary>The header fields of a message as whoever receives it has them: a name has values in an order, the case of a name makes no difference.</summary>
internal sealed class Fields
{
    private readonly SortedDictionary<string, List<string>> _values = new(StringComparer.Ordinal);

    /// <summary>The fields that a message has before anybody changes them.</summary>
    public Fields(params IEnumerable<(string Name, string Value)> fields)
    {
        foreach (var (name, value) in fields)
        {
            Add(name, value);
        }
    }

    /// <summary>Puts a value in the place of all that are there.</summary>
    public void Set(string name, string value) => _values[name.ToLowerInvariant()] = [value];

    /// <summary>Adds a value to those that are there.</summary>
    public void Add(string name, string value)
    {
        if (!_values.TryAdd(name.ToLowerInvariant(), [value]))
        {
            _values[name.ToLowerInvariant()].Add(value);
        }
    }

    /// <summary>Takes a name away.</summary>
    public void Remove(string name) => _values.Remove(name.ToLowerInvariant());

    /// <summary>For proxies that know no removal: an empty value stands for none.</summary>
    public void SetOrRemove(string name, string value)
    {
        if (value.Length == 0)
        {
            Remove(name);
        }
        else
        {
            Set(name, value);
        }
    }

    /// <summary>All fields by name, the values of one name as one list (RFC 9110 §5.3); of cookies none can be made.</summary>
    public override string ToString() =>
        string.Join("; ", _values.Select(static field => $"{field.Key}={string.Join(field.Key == "set-cookie" ? " and " : ", ", field.Value)}"));
}
