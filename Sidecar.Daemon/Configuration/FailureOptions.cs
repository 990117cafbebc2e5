using System.Diagnostics.CodeAnalysis;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>
/// What happens to an exchange that an agent could not inspect, as the operator wrote it: whatever the reason, in one phase, or for one cause.
/// </summary>
/// <remarks>
/// In one place a cause goes before a phase, and a phase before what counts otherwise. Where one place is more special than another, as a
/// route is than an agent, each of its words goes before each of the other's, and its <c>default</c> replaces all that the other says.
/// Immutable.
/// </remarks>
internal sealed record FailureOptions
{
    /// <summary>The word for whatever no other word is about.</summary>
    public const string Whatever = "default";

    /// <summary>The words for phases.</summary>
    public static readonly IReadOnlyList<string> Phases = ["request", "response"];

    /// <summary>The words for causes, as metrics and logs have them.</summary>
    public static readonly IReadOnlyList<string> Causes =
    [
        "agent-absent", "agent-incompatible", "agent-crash", "agent-unwell", "agent-error", "timeout", "overload", "agent-limit", "queue-full",
        "breaker-open", "ejected", "flow-control", "owed", "bad-answer", "too-large", "body-unfinished", "shutdown",
        "shutting-down",
    ];

    /// <summary>Everything is refused.</summary>
    public static readonly FailureOptions Closed = FailureMode.Closed;

    // Each goes before those in front of it.
    private readonly Word[] _words = [];

    private FailureOptions(Word[] words) => _words = words;

    /// <summary>What counts where no other word does; null where nothing was written for it.</summary>
    public FailureMode? Default => Find(Whatever);

    /// <summary>What was written; each goes before those in front of it.</summary>
    public IReadOnlyList<Word> Words => _words;

    /// <summary>Whether anything may pass.</summary>
    public bool MayBeOpen => Array.Exists(_words, static word => word.Mode == FailureMode.Open);

    /// <summary>The same for whatever reason.</summary>
    public static implicit operator FailureOptions(FailureMode mode) => new([new(Whatever, mode)]);

    /// <summary>What was written for a word; null where nothing was.</summary>
    public FailureMode? Find(string word) => Array.Find(_words, one => one.Name == word)?.Mode;

    /// <summary>These, and what another place says where these say nothing.</summary>
    public FailureOptions Over(FailureOptions other) =>
        Default is null ? new([.. other._words.Where(word => Find(word.Name) is null), .. _words]) : this;

    /// <summary>As they are written, for example <c>closed</c>, <c>overload:open</c>.</summary>
    public IReadOnlyList<string> Parts => _words is [{ Name: Whatever } only]
        ? [Formats.FailureMode.Write(only.Mode)]
        : [.. _words.Select(static word => $"{word.Name}:{Formats.FailureMode.Write(word.Mode)}")];

    /// <summary>Reads parts that are <c>closed</c> or <c>open</c>, or a word and one of them: <c>overload:open</c>.</summary>
    public static bool TryRead(IReadOnlyList<string> parts, Action<string> error, [NotNullWhen(true)] out FailureOptions? value)
    {
        var words = new List<Word>();
        var isFine = true;
        foreach (var part in parts)
        {
            var colon = part.IndexOf(':', StringComparison.Ordinal);
            var name = colon < 0 ? Whatever : part[..colon].Trim().Replace('_', '-');
            if (name != Whatever && !Phases.Contains(name) && !Causes.Contains(name))
            {
                error($"{name} is neither {Whatever} nor a phase nor a cause"
                    + Nearest.Hint(name, [Whatever, .. Phases, .. Causes], $"; they are {string.Join(", ", Phases)}, {string.Join(", ", Causes)}"));
                isFine = false;
            }
            else if (words.Exists(word => word.Name == name))
            {
                error($"{name} is said twice");
                isFine = false;
            }
            else if (Formats.FailureMode.TryRead(part[(colon + 1)..].Trim(), error, out var mode))
            {
                words.Add(new(name, mode));
            }
            else
            {
                isFine = false;
            }
        }

        value = isFine && words.Count > 0 ? new([.. words.OrderBy(static word => word.Rank)]) : null;
        return value is not null;
    }

    /// <summary>As it is written.</summary>
    public override string ToString() => string.Join('+', Parts);

    /// <summary>Two are equal that say the same, in whatever order.</summary>
    public bool Equals(FailureOptions? other) => other is not null && _words.Length == other._words.Length
        && Array.TrueForAll(_words, word => other.Find(word.Name) == word.Mode);

    public override int GetHashCode() => _words.Aggregate(0, static (hash, word) => hash ^ HashCode.Combine(word.Name, word.Mode));

    /// <summary>What happens for one reason.</summary>
    /// <param name="Name"><c>default</c>, a phase or a cause.</param>
    /// <param name="Mode">What happens.</param>
    public sealed record Word(string Name, FailureMode Mode)
    {
        /// <summary>Its place in the order of words that are written together.</summary>
        public int Rank => Name == Whatever ? 0 : Phases.Contains(Name) ? 1 : 2;
    }
}
