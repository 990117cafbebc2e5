using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.AuthRequest;

/// <summary>
/// Puts the header edits of a verdict into the answer, as far as the proxy's configuration has places for them. Immutable.
/// </summary>
internal sealed class HeaderMapping
{
    private const int MaxNameBytes = 2 * 1024;
    private const string SetCookie = "set-cookie";

    // What the server would not write into a header line: control characters except the tab.
    private static readonly SearchValues<char> Unwritable =
        SearchValues.Create([.. Enumerable.Range(0, 32).Where(static code => code != '\t').Select(static code => (char)code), '\u007f']);

    private readonly MappedHeader[] _request;
    private readonly MappedHeader[] _response;
    private readonly ProxyProfile _dialect;

    /// <summary>The places of a listener.</summary>
    /// <exception cref="ArgumentException">A name cannot be carried; the message says which and why.</exception>
    public HeaderMapping(HttpListenerOptions options)
    {
        _dialect = options.Dialect;
        _request =
        [
            .. options.SetHeaders.Select(name => Place(name, _dialect.RequestPrefix, passesClients: false)),
            .. options.EditHeaders.Select(name => Place(name, _dialect.RequestPrefix, passesClients: true)),
        ];
        _response = [.. options.ResponseHeaders.Select(name => Place(name, _dialect.ResponsePrefix, passesClients: false))];
        var places = _request.Concat(_response).Select(static place => place.AnswerName).ToList();
        if (places.GroupBy(static name => name, StringComparer.OrdinalIgnoreCase)
            .FirstOrDefault(static group => group.Skip(1).Any()) is { } twice)
        {
            throw new ArgumentException($"listener {options.Name}: {twice.Key} is named twice; keep the header in one list");
        }

        if (places.Sum(static name => name.Length + 4) is > MaxNameBytes and var bytes)
        {
            throw new ArgumentException(
                $"listener {options.Name}: the names of carried headers have {bytes} bytes; {MaxNameBytes} are allowed; carry fewer");
        }
    }

    /// <summary>Answers every place with nothing: the request does not go on.</summary>
    public void WriteNone(IHeaderDictionary answer)
    {
        foreach (var places in (ReadOnlySpan<MappedHeader[]>)[_request, _response])
        {
            foreach (var place in places)
            {
                answer[place.AnswerName] = "";
            }
        }
    }

    /// <summary>Answers every place with what the verdict makes of it, and notes what has no place.</summary>
    /// <param name="answer">Headers of our answer.</param>
    /// <param name="verdict">An allow.</param>
    /// <param name="client">What agents saw.</param>
    /// <param name="question">Headers of the question, among them the client's own, byte for byte.</param>
    /// <param name="exchange">The exchange.</param>
    /// <returns>Null, or a verdict to give instead, because the request must not go on like that.</returns>
    public Verdict? Write(IHeaderDictionary answer, Verdict verdict, HeaderBlock client, IHeaderDictionary question, Exchange exchange)
    {
        List<string>? removals = _dialect.RemovesHeaders ? [] : null;
        var refused = NoteRequest(exchange, verdict.RequestHeaders, client, removals) && exchange.Route is not { RefusesUnapplied: false };
        var bytes = 0;
        foreach (var place in _request)
        {
            var value = place.ValueOf(question[place.Name], Find(verdict.RequestHeaders, place.Name));
            if (value is null)
            {
                removals?.Add(place.Name);
                value = "";
            }

            if (value.AsSpan().ContainsAny(Unwritable))
            {
                return Verdict.Refused(Cause.Malformed, verdict.Audits);
            }

            bytes += value.Length;
            answer[place.AnswerName] = value;
        }

        bytes += removals is null ? 0 : WriteRemovals(answer, question, removals, verdict.Cause != Cause.None);

        // Whatever stood there instead, nobody has asked for it; so this one does not go on even where unapplied edits are ignored.
        if (bytes > _dialect.MaxCarriedBytes)
        {
            exchange.NoteUnapplied("request-header-size");
            refused = true;
        }

        if (refused)
        {
            return Verdict.Refused(Cause.Unapplied, verdict.Audits);
        }

        WriteResponse(exchange, answer, verdict.ResponseHeaders, _dialect.MaxCarriedBytes - bytes);
        return null;
    }

    /// <summary>Takes the places out of an answer that carries something else: a reply with all its own headers.</summary>
    public void Withdraw(IHeaderDictionary answer)
    {
        foreach (var place in _request.Concat(_response))
        {
            answer.Remove(place.AnswerName);
        }

        answer.Remove(AnswerHeaders.EnvoyRemove);
    }

    // Names of ours that the client sent go too: what the upstream sees under them is what this answer sets. Envoy sets first and removes
    // then.
    private static int WriteRemovals(IHeaderDictionary answer, IHeaderDictionary question, List<string> removals, bool isBypassed)
    {
        var names = removals.Concat(question.Keys.Where(static name => HeaderNames.IsOwn(name)))
            .Append(AnswerHeaders.Bypassed).Append(PartialBody.Name)
            .Where(name => !name.Equals(AnswerHeaders.Id, StringComparison.OrdinalIgnoreCase))
            .Where(name => !isBypassed || !name.Equals(AnswerHeaders.Bypassed, StringComparison.OrdinalIgnoreCase));
        var list = string.Join(", ", names.Select(static name => name.ToLowerInvariant()).Distinct());
        answer[AnswerHeaders.EnvoyRemove] = list;
        return list.Length;
    }

    private void WriteResponse(Exchange exchange, IHeaderDictionary answer, IReadOnlyList<HeaderEdit> edits, int room)
    {
        foreach (var place in _response)
        {
            string[] lines = Find(edits, place.Name) is { } edit ? [.. edit.Values.Select(WireText.ToWire)] : [];
            if (lines.Sum(static line => line.Length + 2) > room + 2)
            {
                exchange.NoteUnapplied("response-header-size");
                lines = [];
            }
            else if (_dialect.ResponsePrefix.Length > 0 && lines.Length > 1 && place.Name == SetCookie)
            {
                // On one line they would be one cookie with a broken value.
                exchange.NoteUnapplied("response-header-set");
                lines = [];
            }

            // Where the header itself is added, none is none; where it is copied, the proxy must not keep another value.
            room -= lines.Sum(static line => line.Length);
            if (_dialect.ResponsePrefix.Length > 0)
            {
                answer[place.AnswerName] = string.Join(", ", lines);
            }
            else if (lines.Length > 0)
            {
                answer[place.AnswerName] = new StringValues(lines);
            }
        }

        foreach (var edit in edits)
        {
            if (edit.IsRemoval)
            {
                exchange.NoteUnapplied("response-header-remove");
            }
            else if (!HasPlace(_response, edit.Name))
            {
                exchange.NoteUnapplied("response-header-set");
            }
        }
    }

    // True when a removal has no place. What the client did not send need not be removed.
    private bool NoteRequest(Exchange exchange, IReadOnlyList<HeaderEdit> edits, HeaderBlock headers, List<string>? removals)
    {
        var removal = false;
        foreach (var edit in edits)
        {
            if (HasPlace(_request, edit.Name))
            {
                continue;
            }

            if (!edit.IsRemoval)
            {
                exchange.NoteUnapplied("request-header-set");
            }
            else if (removals is not null)
            {
                removals.Add(edit.Name);
            }
            else if (headers.IndexOf(Encoding.UTF8.GetBytes(edit.Name)) >= 0)
            {
                removal = true;
                exchange.NoteUnapplied("request-header-remove");
            }
        }

        return removal;
    }

    private static bool HasPlace(MappedHeader[] places, string name) => Array.Exists(places, place => place.Name == name);

    private static HeaderEdit? Find(IReadOnlyList<HeaderEdit> edits, string name)
    {
        for (var i = 0; i < edits.Count; i++)
        {
            if (edits[i].Name == name)
            {
                return edits[i];
            }
        }

        return null;
    }

    private MappedHeader Place(string name, string prefix, bool passesClients) =>
        HeaderRules.NameError(name) is { } error ? throw new ArgumentException($"header {name} cannot be carried: {error}")
        : _dialect.Headers.Classify(name, out _) != HeaderRole.Shown
            ? throw new ArgumentException($"header {name} cannot be carried: the proxy itself uses it to tell about the request")
        : new MappedHeader(name.ToLowerInvariant(), prefix + name, passesClients);
}

/// <summary>A header for which the proxy's configuration has a place.</summary>
/// <param name="Name">Its name in lower case.</param>
/// <param name="AnswerName">The name under which our answer carries it.</param>
/// <param name="PassesClients">Whether the client's own value counts where no agent touched it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct MappedHeader(string Name, string AnswerName, bool PassesClients)
{
    /// <summary>The final value on one line, a char per byte; null when there is none.</summary>
    /// <param name="clients">The values the client sent.</param>
    /// <param name="edit">What the agents want; null when none touched it.</param>
    public string? ValueOf(StringValues clients, HeaderEdit? edit)
    {
        clients = PassesClients ? clients : StringValues.Empty;
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
