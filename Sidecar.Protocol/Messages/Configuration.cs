namespace Sidecar.Protocol.Messages;

/// <summary>A configuration object for the agent. Allow accepts it, block refuses it (spec §4.9).</summary>
public sealed record ConfigureEvent : AgentEvent
{
    /// <inheritdoc/>
    public override MessageType Type => MessageType.Configure;

    /// <summary>Any JSON value; null is written as JSON null.</summary>
    public JsonElement? Config { get; init; }

    /// <summary>Names this configuration, so that a repeated push can be recognised.</summary>
    public string? ConfigVersion { get; init; }

    /// <summary>Whether this comes at the start of a connection and not as a later push. Carried by gRPC only.</summary>
    public bool IsInitial { get; init; }
}

/// <summary>An agent asks for something about its configuration (spec §6.4).</summary>
public sealed record ConfigUpdateRequest
{
    /// <summary>What it asks.</summary>
    public required ConfigUpdate Update { get; init; }

    /// <summary>Id of this request.</summary>
    public string RequestId { get; init; } = "";

    /// <summary>When, in Unix milliseconds.</summary>
    public ulong TimestampMs { get; init; }
}

/// <summary>What an agent asks about its configuration.</summary>
public abstract record ConfigUpdate
{
    private protected ConfigUpdate()
    {
    }
}

/// <summary><c>request_reload</c>: send me my configuration again.</summary>
public sealed record RequestReload : ConfigUpdate;

/// <summary><c>rule_update</c>: these rules changed.</summary>
/// <param name="RuleSet">The set they belong to.</param>
/// <param name="Rules">New or changed rules.</param>
/// <param name="RemoveRules">Ids of rules that are gone.</param>
public sealed record RuleUpdate(string RuleSet, IReadOnlyList<RuleDefinition> Rules, IReadOnlyList<string> RemoveRules) : ConfigUpdate;

/// <summary><c>list_update</c>: this list changed.</summary>
/// <param name="ListId">The list.</param>
/// <param name="Add">New entries.</param>
/// <param name="Remove">Entries that are gone.</param>
public sealed record ListUpdate(string ListId, IReadOnlyList<string> Add, IReadOnlyList<string> Remove) : ConfigUpdate;

/// <summary><c>restart_required</c>: I must be restarted.</summary>
/// <param name="Reason">Why.</param>
/// <param name="GracePeriodMs">How long it can wait, in milliseconds.</param>
public sealed record RestartRequired(string Reason, ulong GracePeriodMs) : ConfigUpdate;

/// <summary><c>config_error</c>: my configuration is wrong.</summary>
/// <param name="Error">What is wrong.</param>
/// <param name="Field">Where.</param>
public sealed record ConfigError(string Error, string? Field) : ConfigUpdate;

/// <summary>One rule of a rule update.</summary>
public sealed record RuleDefinition
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Its priority.</summary>
    public int Priority { get; init; }

    /// <summary>Any JSON value.</summary>
    public JsonElement? Definition { get; init; }

    /// <summary>Whether it counts.</summary>
    public bool Enabled { get; init; }

    /// <summary>For people.</summary>
    public string? Description { get; init; }

    /// <summary>Free labels.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];
}

/// <summary>The reply to a <see cref="ConfigUpdateRequest"/>; no frame of the Unix-socket transport carries it (spec §6.4).</summary>
/// <param name="RequestId">The request it answers.</param>
/// <param name="Accepted">Whether it was accepted.</param>
/// <param name="Error">Why not.</param>
/// <param name="TimestampMs">When, in Unix milliseconds.</param>
public sealed record ConfigUpdateResponse(string RequestId, bool Accepted, string? Error, ulong TimestampMs);
