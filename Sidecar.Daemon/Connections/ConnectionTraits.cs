using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>How answers find their calls.</summary>
internal enum AnswerMatching
{
    /// <summary>Each answer names its exchange; many calls may be in flight.</summary>
    ById,

    /// <summary>Answers come in the order of the calls; one call at a time.</summary>
    InOrder,
}

/// <summary>What can be done with a connection. The rooms above know these, never a transport or a dialect.</summary>
internal sealed record ConnectionTraits
{
    /// <summary>Calls that may be outstanding, at least 1.</summary>
    public required int MaxInFlight { get; init; }

    /// <summary>True when the agent says that it handles several calls at once, so one connection may be filled before the next is used.</summary>
    public required bool IsConcurrent { get; init; }

    /// <summary>How answers find their calls.</summary>
    public AnswerMatching Matching { get; init; } = AnswerMatching.ById;

    /// <summary>The events the agent wants.</summary>
    public required EventSet Events { get; init; }

    /// <summary>Whether answers can carry body mutations.</summary>
    public bool CanMutate { get; init; } = true;

    /// <summary>Largest event body in bytes.</summary>
    public required long MaxEventBytes { get; init; }

    /// <summary>Largest whole body in bytes that the agent takes; 0 when it states none.</summary>
    public long MaxBodyBytes { get; init; }

    /// <summary>Whether a cancel message exists.</summary>
    public bool CanCancel { get; init; } = true;

    /// <summary>Whether the agent answers pings. Of one that does not, silence says nothing: it lives as long as its connection.</summary>
    public bool CanPing { get; init; } = true;
}
