using System.Text.Json;

namespace Sidecar.Daemon.Configuration;

/// <summary>What one configuration says otherwise than another, by the names that operators gave.</summary>
/// <param name="Agents">Agents by their ids.</param>
/// <param name="Listeners">Listeners by their names in metrics and logs.</param>
/// <param name="Routes">Routes by their ids; one that has another place among those that stay is changed, for the first match wins.</param>
/// <param name="Settings">The keys of settings of the whole daemon that have another value.</param>
internal sealed record ConfigurationDifference(
    NameDifference Agents, NameDifference Listeners, NameDifference Routes, IReadOnlyList<string> Settings)
{
    /// <summary>Whether both say the same.</summary>
    public bool IsEmpty => Agents.IsEmpty && Listeners.IsEmpty && Routes.IsEmpty && Settings.Count == 0;

    /// <summary>All of it in one line, for logs.</summary>
    public override string ToString() => string.Join(
        "; ",
        ((string?[])
        [
            Agents.Of("agents"), Listeners.Of("listeners"), Routes.Of("routes"),
            Settings.Count > 0 ? $"settings changed {string.Join(", ", Settings)}" : null,
        ]).OfType<string>());

    /// <summary>Compares two configurations; files that they name are compared where they were read with them.</summary>
    public static ConfigurationDifference Between(ConfigurationSnapshot before, ConfigurationSnapshot next) => new(
        Between(before.Agents, next.Agents, static agent => agent.Id, IsSame, isOrdered: next.Routes.Count == 0),
        Between(before.Listeners, next.Listeners, static listener => listener.Name, static (one, other) => one == other, isOrdered: false),
        Between(before.Routes, next.Routes, static route => route.Id, static (one, other) => one == other, isOrdered: true),
        [.. before.Values.Written.Union(next.Values.Written)
            .Where(setting => before.Values.TextOf(setting) != next.Values.TextOf(setting)).Select(static setting => setting.Key)]);

    private static NameDifference Between<T>(
        IReadOnlyList<T> before, IReadOnlyList<T> next, Func<T, string> name, Func<T, T, bool> isSame, bool isOrdered)
    {
        var (was, now) = (ByName(before, name), ByName(next, name));
        List<string> stay = [.. was.Keys.Where(now.ContainsKey)];
        var places = isOrdered ? now.Keys.Where(was.ContainsKey) : stay;
        List<string> changed = [.. stay.Zip(places, (old, place) => old == place && isSame(was[old], now[old]) ? null : old).OfType<string>()];
        return new(
            [.. now.Keys.Where(key => !was.ContainsKey(key))], changed, [.. was.Keys.Where(key => !now.ContainsKey(key))],
            stay.Count - changed.Count);
    }

    // In the order in which they were written.
    private static OrderedDictionary<string, T> ByName<T>(IReadOnlyList<T> all, Func<T, string> name)
    {
        var named = new OrderedDictionary<string, T>(StringComparer.Ordinal);
        foreach (var one in all)
        {
            named[name(one)] = one;
        }

        return named;
    }

    private static bool IsSame(AgentOptions one, AgentOptions other) =>
        (one with { Endpoints = other.Endpoints, Versions = other.Versions, Configuration = null }) == (other with { Configuration = null })
        && one.Endpoints.SequenceEqual(other.Endpoints)
        && one.Versions.SequenceEqual(other.Versions, VersionComparer)
        && IsSame(one.Configuration, other.Configuration);

    private static bool IsSame(JsonElement? one, JsonElement? other) =>
        one is { } a && other is { } b ? JsonElement.DeepEquals(a, b) : one is null && other is null;

    private static readonly IEqualityComparer<VersionOptions> VersionComparer = EqualityComparer<VersionOptions>.Create(
        static (one, other) => (one! with { Endpoints = other!.Endpoints }) == other && one.Endpoints.SequenceEqual(other.Endpoints),
        static version => version.Name.GetHashCode(StringComparison.Ordinal));
}

/// <summary>What became of the things of one kind.</summary>
/// <param name="Added">New ones.</param>
/// <param name="Changed">Those that are there and written otherwise.</param>
/// <param name="Removed">Those that are gone.</param>
/// <param name="Unchanged">How many are as they were.</param>
internal sealed record NameDifference(
    IReadOnlyList<string> Added, IReadOnlyList<string> Changed, IReadOnlyList<string> Removed, int Unchanged)
{
    // In one line; lists of hundreds are for programs.
    private const int MostNames = 20;

    /// <summary>Whether all are as they were.</summary>
    public bool IsEmpty => Added.Count + Changed.Count + Removed.Count == 0;

    /// <summary>What became of them in one line; null when nothing did.</summary>
    /// <param name="kind">What they are, in the plural.</param>
    public string? Of(string kind) => IsEmpty
        ? null
        : $"{kind} {string.Join(", ", ((string?[])[Of("added", Added), Of("changed", Changed), Of("removed", Removed)]).OfType<string>())}";

    private static string? Of(string word, IReadOnlyList<string> names) => names.Count == 0 ? null
        : $"{word} {string.Join(' ', names.Take(MostNames))}{(names.Count > MostNames ? $" and {names.Count - MostNames} more" : "")}";
}
