namespace Sidecar.Daemon.Configuration;

/// <summary>What something is said of in a configuration.</summary>
internal enum SubjectKind
{
    /// <summary>The daemon as a whole.</summary>
    Daemon,

    Agent,

    Listener,

    Route,

    /// <summary>What becomes of requests that no route takes.</summary>
    Unmatched,
}

/// <summary>One thing of a configuration.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">The agent's or route's id, or the listener's name; empty where there is only one.</param>
internal readonly record struct Subject(SubjectKind Kind, string Name = "")
{
    /// <summary>The daemon as a whole.</summary>
    public static readonly Subject Daemon = new(SubjectKind.Daemon);

    /// <summary>What becomes of requests that no route takes.</summary>
    public static readonly Subject Unmatched = new(SubjectKind.Unmatched);

    public static Subject Agent(string id) => new(SubjectKind.Agent, id);

    public static Subject Listener(string name) => new(SubjectKind.Listener, name);

    public static Subject Route(string id) => new(SubjectKind.Route, id);

    public override string ToString() => Kind switch
    {
        SubjectKind.Daemon => "",
        SubjectKind.Unmatched => "unmatched",
        _ => $"{Kind.ToString().ToLowerInvariant()} {Name}",
    };
}

/// <summary>Something wrong, or probably not meant, that shows only when the whole configuration is looked at.</summary>
/// <param name="About">What it is about, so that whoever knows where that was written can say so.</param>
/// <param name="Message">What it is and what to do, with the name of what it is about.</param>
internal sealed record ConfigurationIssue(Subject About, string Message);
