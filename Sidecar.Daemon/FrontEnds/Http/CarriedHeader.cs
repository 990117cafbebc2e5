using System.Runtime.InteropServices;
using Microsoft.Extensions.Primitives;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>A header for which the proxy's configuration has a place.</summary>
/// <param name="Name">Its name in lower case.</param>
/// <param name="AnswerName">The name under which our answer carries it.</param>
/// <param name="PassesClients">Whether the client's own value counts where no agent touched it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CarriedHeader(string Name, string AnswerName, bool PassesClients)
{
    /// <summary>The final value on one line, a char per byte; null when there is none.</summary>
    /// <param name="clients">The values the client sent.</param>
    /// <param name="edit">What the agents want; null when none touched it.</param>
    public string? ValueOf(StringValues clients, HeaderEdit? edit)
    {
        if (!PassesClients)
        {
            clients = StringValues.Empty;
        }

        if (edit is null)
        {
            return clients.Count == 0 ? null : clients.Count == 1 ? clients[0] ?? "" : Join(clients);
        }

        string[] values = [.. edit.KeepOriginal ? clients.OfType<string>() : [], .. edit.Values.Select(WireText.ToWire)];
        return values.Length == 0 ? null : Join(values);
    }

    // Cookies of several lines make one list of their own kind (RFC 6265 §5.4).
    private string Join(IEnumerable<string?> values) => string.Join(Name == "cookie" ? "; " : ", ", values);
}
