using System.Collections.Frozen;
using System.Text;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds;

/// <summary>What becomes of a header that a front end is told.</summary>
internal enum HeaderRole
{
    /// <summary>The client's own: agents are shown it, and it goes on to the upstream.</summary>
    Shown,

    /// <summary>The proxy's word about the request; see <see cref="TrustedHeader"/>. Agents are not shown it under this name.</summary>
    Believed,

    /// <summary>Neither believed nor shown. The proxy has its own word for it towards the upstream, or none.</summary>
    Consumed,

    /// <summary>A name of the sidecar's own that the client sent: not shown, and taken away before the request goes on.</summary>
    Removed,

    /// <summary>Not shown, and the proxy would pass it on: the request must not pass (rule 16).</summary>
    Refused,
}

/// <summary>Decides by its name what becomes of each header that one kind of proxy tells (rules 9, 16). Immutable.</summary>
internal sealed class HeaderTable
{
    // Longer than every name in a table.
    private const int LongestName = 32;

    private readonly FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _roles;
    private readonly string?[] _names = new string?[TrustedHeaders.Count];
    private readonly HeaderRole _own;

    /// <summary>The names of one kind of proxy.</summary>
    /// <param name="believed">What the proxy tells, by lower-case name. Another spelling of such a name is refused, unless it is one of <paramref name="own"/>.</param>
    /// <param name="consumed">Lower-case names that the proxy replaces or leaves out towards the upstream.</param>
    /// <param name="own">What becomes of the other names of the sidecar's own: <see cref="HeaderRole.Removed"/> or <see cref="HeaderRole.Refused"/>.</param>
    public HeaderTable(IReadOnlyList<(TrustedHeader Header, string Name)> believed, IReadOnlyList<string> consumed, HeaderRole own)
    {
        _own = own;
        foreach (var (header, name) in believed)
        {
            _names[(int)header] = name;
        }

        Consumed = consumed;
        _roles = believed.Select(static entry => KeyValuePair.Create(entry.Name, (int)entry.Header))
            .Concat(consumed.Select(static name => KeyValuePair.Create(name, -1)))
            .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase)
            .GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The names that are neither believed nor shown.</summary>
    public IReadOnlyList<string> Consumed { get; }

    /// <summary>The name of a believed header, lower-case; null when this proxy does not tell it.</summary>
    public string? NameOf(TrustedHeader header) => _names[(int)header];

    /// <summary>What becomes of a header.</summary>
    /// <param name="name">The name in any case.</param>
    /// <param name="header">What it tells, if it is believed.</param>
    public HeaderRole Classify(ReadOnlySpan<char> name, out TrustedHeader header)
    {
        header = default;
        if (name.Length <= LongestName)
        {
            if (_roles.TryGetValue(name, out var role))
            {
                header = (TrustedHeader)Math.Max(role, 0);
                return role < 0 ? HeaderRole.Consumed : HeaderRole.Believed;
            }

            // An upstream may take the one for the other.
            Span<char> dashed = stackalloc char[LongestName];
            name.Replace(dashed, '_', '-');
            if (_roles.TryGetValue(dashed[..name.Length], out role) && role >= 0)
            {
                return HeaderNames.IsOwn(name) ? _own : HeaderRole.Refused;
            }
        }

        return HeaderNames.IsOwn(name) ? _own : HeaderRole.Shown;
    }

    /// <inheritdoc cref="Classify(ReadOnlySpan{char}, out TrustedHeader)"/>
    public HeaderRole Classify(ReadOnlySpan<byte> name)
    {
        // Names in a table are ASCII, and no other byte becomes a letter of it.
        Span<char> chars = stackalloc char[LongestName];
        return name.Length <= LongestName ? Classify(chars[..Encoding.Latin1.GetChars(name, chars)], out _) : HeaderNames.IsOwn(name) ? _own : HeaderRole.Shown;
    }
}
