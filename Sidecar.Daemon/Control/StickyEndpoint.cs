using Microsoft.AspNetCore.Http;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Control.Documents;
using Sidecar.Daemon.Pooling;

namespace Sidecar.Daemon.Control;

/// <summary>Lists and clears the sticky sessions of an agent: <c>/sessions/AGENT</c> and <c>/sessions/AGENT/KEY</c>.</summary>
internal sealed class StickyEndpoint(DaemonView daemon)
{
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
    public AdminAnswer List(string path)
    {
        if (daemon.Find(path) is not { } agent)
        {
            return AdminAnswer.NoSuchAgent(path, daemon.Agents());
        }

        var sessions = agent.Current.Pool.Sticky.List(PageSize);
        return AdminAnswer.Ok(new StickySessionsDocument
        {
            Daemon = AdminJson.DaemonName,
            Agent = CountsOf(agent),
            Sessions =
            [
                .. sessions.Select(
                    static session =>
                        new StickySessionDocument($"{session.Key}", session.Connection, Math.Round(session.Idle.TotalSeconds, 3))),
            ],
        });
    }

    /// <summary>Forgets all sessions of an agent, or one. Exchanges under way keep their connection.</summary>
    /// <param name="path">What follows <see cref="Path"/>.</param>
    public AdminAnswer Clear(string path)
    {
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        var id = slash < 0 ? path : path[..slash];
        if (daemon.Find(id) is not { } agent)
        {
            return AdminAnswer.NoSuchAgent(id, daemon.Agents());
        }

        var sticky = agent.Current.Pool.Sticky;
        if (slash < 0)
        {
            return Cleared(id, sticky.Clear());
        }

        var text = path[(slash + 1)..];
        return !StickyKey.TryParse(text, out var key)
            ? AdminAnswer.Error(StatusCodes.Status400BadRequest, $"the key of a session has 32 hex digits; GET {Path}{id} lists them")
            : sticky.Clear(key) ? Cleared(id, 1)
            : AdminAnswer.Error(StatusCodes.Status404NotFound, $"agent {id} has no session {text}");
    }

    private static AdminAnswer Cleared(string agent, int count) =>
        AdminAnswer.Ok(new StickyClearedDocument(AdminJson.DaemonName, agent, count));
}
