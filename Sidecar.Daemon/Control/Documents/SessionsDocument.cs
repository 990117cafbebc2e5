namespace Sidecar.Daemon.Control.Documents;

/// <summary><c>/sessions</c>: what is under way. As long as the configuration is, however many exchanges are open.</summary>
internal sealed record SessionsDocument
{
    /// <summary>Always <c>sidecar</c>: by this a client knows whom it has asked.</summary>
    public required string Daemon { get; init; }

    /// <summary>The exchanges by listener and route.</summary>
    public required IReadOnlyList<RouteExchangesDocument> Exchanges { get; init; }

    /// <summary>The sticky sessions by agent.</summary>
    public required IReadOnlyList<StickyAgentDocument> Sticky { get; init; }
}

/// <summary>The exchanges of one listener on one route.</summary>
/// <param name="Listener">The listener's name.</param>
/// <param name="Route">The route's id; <c>none</c> where no route took them.</param>
/// <param name="Exchanges">Their counts.</param>
internal sealed record RouteExchangesDocument(string Listener, string Route, ExchangesDocument Exchanges);
