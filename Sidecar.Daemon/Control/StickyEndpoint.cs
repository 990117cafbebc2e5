using Microsoft.AspNetCore.Http;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Control.Documents;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Daemon.Control;

/// <summary>Lists and clears the sticky sessions of an agent: <c>/sessions/AGENT</c> and <c>/sessions/AGENT/KEY</c>.</summary>
internal sealed class StickyEndpoint(DaemonView daemon)
{
    /// <summary>Where it is.</summary>
    public const string Path = "/sessions/";

    /// <summary>Most sessions in one answer; there may be a million of them.</summary>
    public const int PageSize = 1000;

    /// <summary>The sticky sessions of an agent in numbers.</summary>
    public static StickyAgentDocument CountsOf(AgentState agent)
    {
        var sticky = agent.Current.Pool.Sticky;
        return new StickyAgentDocument(agent.Id, sticky.Count, sticky.Limit, sticky.Moved, sticky.Expired, sticky.Evicted, sticky.Cleared);
    }

    /// <summary>The sessions used last.</summary>
    /// <param name="path">What follows <see cref="Path"/>.</param>
    public (int Status, object Document) List(string path)
    {
        if (Find(path) is not { } agent)
        {
            return Unknown(path);
        }

        var sessions = agent.Current.Pool.Sticky.List(PageSize);
        return (StatusCodes.Status200OK, new StickySessionsDocument
        {
            Daemon = AdminJson.DaemonName,
            Agent = CountsOf(agent),
            Sessions = [.. sessions.Select(static session => new StickySessionDocument($"{session.Key}", session.Connection, Math.Round(session.Idle.TotalSeconds, 3)))],
        });
    }

    /// <summary>Forgets all sessions of an agent, or one. Exchanges under way keep their connection.</summary>
    /// <param name="path">What follows <see cref="Path"/>.</param>
    public (int Status, object Document) Clear(string path)
    {
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        var id = slash < 0 ? path : path[..slash];
        if (Find(id) is not { } agent)
        {
            return Unknown(id);
        }

        var sticky = agent.Current.Pool.Sticky;
        if (slash < 0)
        {
            return Cleared(id, sticky.Clear());
        }

        var text = path[(slash + 1)..];
        return !StickyKey.TryParse(text, out var key) ? Error(StatusCodes.Status400BadRequest, $"the key of a session has 32 hex digits; GET {Path}{id} lists them")
            : sticky.Clear(key) ? Cleared(id, 1)
            : Error(StatusCodes.Status404NotFound, $"agent {id} has no session {text}");
    }

    private AgentState? Find(string id) => daemon.Agents().FirstOrDefault(agent => agent.Id == id);

    private static (int Status, object Document) Cleared(string agent, int count) =>
        (StatusCodes.Status200OK, new StickyClearedDocument(AdminJson.DaemonName, agent, count));

    private (int Status, object Document) Unknown(string id) => Error(
        StatusCodes.Status404NotFound, $"there is no agent {id}; there are {string.Join(", ", daemon.Agents().Select(static agent => agent.Id))}");

    private static (int Status, object Document) Error(int status, string error) => (status, new ErrorDocument(AdminJson.DaemonName, error));
}
