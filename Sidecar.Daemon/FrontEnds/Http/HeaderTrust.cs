using System.Collections.Frozen;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Decides for each header of a proxy's questions what it is: the proxy's word, the client's own, or neither (rule 9). Immutable.</summary>
internal sealed class HeaderTrust
{
    /// <summary>The client's own header: for the agents.</summary>
    public const int Ordinary = -1;

    /// <summary>Neither believed nor forwarded: it belongs to the connection between proxy and daemon, or imitates a trusted name.</summary>
    public const int Dropped = -2;

    // Longer than every name in a table: longer ones can only be ours by their prefix.
    private const int LongestName = 32;

    private const string OurPrefix = "x-sidecar-";

    private readonly FrozenDictionary<string, int> _roles;
    private readonly FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    private readonly string?[] _names = new string?[Count];

    /// <summary>The names of one kind of proxy.</summary>
    /// <param name="trusted">What the proxy tells, by lower-case name.</param>
    /// <param name="consumed">Lower-case names that the proxy or the connection to it adds and that say nothing about the client's request.</param>
    public HeaderTrust(IReadOnlyList<(TrustedHeader Header, string Name)> trusted, IReadOnlyList<string> consumed)
    {
        foreach (var (header, name) in trusted)
        {
            _names[(int)header] = name;
        }

        _roles = trusted
            .Select(static entry => KeyValuePair.Create(entry.Name, (int)entry.Header))
            .Concat(consumed.Select(static name => KeyValuePair.Create(name, Dropped)))
            .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        _bySpan = _roles.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>How many trusted headers there are over all proxies.</summary>
    public static int Count { get; } = Enum.GetValues<TrustedHeader>().Length;

    /// <summary>The name of a trusted header, lower-case; null when this proxy does not tell it.</summary>
    public string? NameOf(TrustedHeader header) => _names[(int)header];

    /// <summary>What a header is: a <see cref="TrustedHeader"/> as a number, <see cref="Ordinary"/> or <see cref="Dropped"/>.</summary>
    /// <param name="name">The name in any case.</param>
    public int Classify(string name)
    {
        if (_roles.TryGetValue(name, out var role))
        {
            return role;
        }

        if (IsOurs(name))
        {
            return Dropped;
        }

        // Another spelling of a trusted name: servers behind the proxy may take one for the other, so nobody gets it.
        Span<char> dashed = stackalloc char[LongestName];
        return Dash(name, dashed, out var whole) && _bySpan.TryGetValue(whole, out role) && role >= 0 ? Dropped : Ordinary;
    }

    /// <summary>Whether a name is the daemon's own; <c>_</c> and <c>-</c> are one.</summary>
    public static bool IsOurs(string name)
    {
        Span<char> dashed = stackalloc char[LongestName];
        Dash(name, dashed, out var start);
        return start.StartsWith(OurPrefix, StringComparison.OrdinalIgnoreCase);
    }

    // False when only the beginning of the name fits.
    private static bool Dash(string name, Span<char> buffer, out ReadOnlySpan<char> dashed)
    {
        var start = name.AsSpan(0, Math.Min(name.Length, LongestName));
        start.Replace(buffer, '_', '-');
        dashed = buffer[..start.Length];
        return name.Length <= LongestName;
    }
}
