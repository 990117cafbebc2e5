using System.Text;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Spop;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>Header edits as one variable for each header that the listener names, for a configuration without Lua. Immutable.</summary>
/// <remarks>
/// <c>rqh_x_user</c> is the value that the request header X-User is to have, <c>rqd_x_user</c> is true when it is to go; <c>rsh_</c> and
/// <c>rsd_</c> likewise for responses. A header that agents left alone has neither.
/// </remarks>
internal sealed class NamedHeaders
{
    private readonly Place[] _request;
    private readonly Place[] _response;

    /// <summary>The places of a listener.</summary>
    /// <exception cref="ArgumentException">A name cannot be carried; the message says which and why.</exception>
    public NamedHeaders(SpopListenerOptions options)
    {
        var longest = SpopVariables.MaxNameLength(SpopScope.Transaction, options.VariablePrefix.Length);
        Place Of(string name, string value, string removal, bool passesClients) => new(name, value, removal, passesClients, longest);
        const string Value = SpopVariableNames.RequestValuePrefix, Removal = SpopVariableNames.RequestRemovalPrefix;
        _request =
        [
            .. options.SetHeaders.Select(name => Of(name, Value, Removal, passesClients: false)),
            .. options.EditHeaders.Select(name => Of(name, Value, Removal, passesClients: true)),
        ];
        _response =
        [
            .. options.ResponseHeaders.Select(
                name => Of(name, SpopVariableNames.ResponseValuePrefix, SpopVariableNames.ResponseRemovalPrefix, passesClients: true)),
        ];
        foreach (var places in (ReadOnlySpan<Place[]>)[_request, _response])
        {
            if (places.GroupBy(
                static place => place.Variable, StringComparer.Ordinal).FirstOrDefault(static group => group.Skip(1).Any()) is { } twice)
            {
                throw new ArgumentException($"listener {options.Name}: the headers "
                    + $"{string.Join(" and ", twice.Select(static place => place.Name))} have one variable {twice.Key}; name one of them");
            }
        }
    }

    /// <summary>Sets the variables of a request.</summary>
    /// <param name="ack">The answer.</param>
    /// <param name="edits">What the agents want.</param>
    /// <param name="headers">The headers that came.</param>
    /// <param name="unapplied">Is told, by a bounded word, of each edit that has no place.</param>
    /// <returns>
    /// False when one does not fit, or a removal has no place: then the request must not go on unless its route ignores that.
    /// </returns>
    public bool TryWriteRequest(SpopAckWriter ack, IReadOnlyList<HeaderEdit> edits, HeaderBlock headers, Action<string> unapplied)
    {
        var isComplete = true;
        foreach (var edit in edits)
        {
            if (Find(_request, edit.Name) is { } place)
            {
                if (!place.TryWrite(ack, edit, headers))
                {
                    unapplied("request-header-size");
                    isComplete = false;
                }
            }
            else if (!edit.IsRemoval)
            {
                unapplied("request-header-set");
            }
            else if (Has(headers, Encoding.UTF8.GetBytes(edit.Name)))
            {
                unapplied("request-header-remove");
                isComplete = false;
            }
        }

        return isComplete;
    }

    /// <summary>Sets the variables of a response.</summary>
    /// <param name="ack">The answer.</param>
    /// <param name="edits">What the agents want.</param>
    /// <param name="headers">The headers that came; null when the response has not come yet.</param>
    /// <param name="unapplied">Is told, by a bounded word, of each edit that has no place or does not fit.</param>
    public void WriteResponse(SpopAckWriter ack, IReadOnlyList<HeaderEdit> edits, HeaderBlock? headers, Action<string> unapplied)
    {
        foreach (var edit in edits)
        {
            if (Find(_response, edit.Name) is not { } place)
            {
                unapplied(edit.IsRemoval ? "response-header-remove" : "response-header-set");
            }
            else if (!place.TryWrite(ack, edit, headers))
            {
                unapplied("response-header-size");
            }
        }
    }

    private static bool Has(HeaderBlock headers, byte[] name)
    {
        for (var i = 0; i < headers.Count; i++)
        {
            if (headers.Name(i).SequenceEqual(name) || PackedEdits.IsOtherSpelling(headers.Name(i), name))
            {
                return true;
            }
        }

        return false;
    }

    private static Place? Find(Place[] places, string name) => Array.Find(places, place => place.Name == name);

    private sealed record Place
    {
        private readonly byte[] _value;
        private readonly byte[] _removal;
        private readonly bool _passesClients;

        public Place(string name, string valuePrefix, string removalPrefix, bool PassesClients, int longest)
        {
            if (HeaderRules.NameError(name) is { } error)
            {
                throw new ArgumentException($"header {name} cannot be carried: {error}");
            }

            Name = name.ToLowerInvariant();
            Variable = valuePrefix + Name.Replace('-', '_');
            _passesClients = PassesClients;
            (_value, _removal) = (Encoding.ASCII.GetBytes(Variable), Encoding.ASCII.GetBytes(removalPrefix + Name.Replace('-', '_')));
            if (Variable.Length > longest || !Variable.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '.'))
            {
                throw new ArgumentException($"header {name} cannot be carried: its variable {Variable} may have letters, digits, '.' and "
                    + $"'_', {longest} at most; use header-form=lists");
            }
        }

        public string Name { get; }

        public string Variable { get; }

        public bool TryWrite(SpopAckWriter ack, HeaderEdit edit, HeaderBlock? headers)
        {
            var original = edit.KeepOriginal && _passesClients && headers is not null ? headers.GetAll(Name) : [];
            string[] values = [.. original, .. edit.Values];
            return values.Length == 0
                ? ack.TrySet(SpopScope.Transaction, _removal, SpopValue.Boolean(true))
                : IsOneLine(values) && ack.TrySet(SpopScope.Transaction, _value, SpopValue.String(Encoding.UTF8.GetBytes(Join(values))));
        }

        // Cookies of several lines make one list of their own kind (RFC 6265 §5.4), those that are set make none.
        private bool IsOneLine(string[] values) => values.Length == 1 || Name != "set-cookie";

        private string Join(string[] values) => string.Join(Name == "cookie" ? "; " : ", ", values);
    }
}
