using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Reads what a file says of listeners: a name, and behind it for whom it is, where it is and its settings.</summary>
internal static class ListenerNodes
{
    /// <summary>A listener; null, with errors, when it cannot be read.</summary>
    public static ListenerOptions? Read(FileScope scope, MappingEntry entry)
    {
        var name = entry.Key.Text;
        var about = Subject.Listener(name);
        scope.Origins.Add(about, null, entry.Key.At);
        if (entry.Value is not MappingNode mapping || mapping.Find("for") is not { } written)
        {
            scope.Findings.Error(
                entry.Key.At, $"listener {name} does not say for whom it is; write for: and one of {FrontWord.Words}");
            return null;
        }

        var word = written is ScalarNode { IsMissing: false } text ? text.Text : "";
        if (FrontWord.All.FirstOrDefault(front => front.Word == word) is not { } front)
        {
            var hint = Nearest.Hint(word, FrontWord.All.Select(static front => front.Word));
            scope.Findings.Error(written.At, $"for: {(word.Length == 0 ? "''" : word)} is none of {FrontWord.Words}{hint}");
            return null;
        }

        return Read(scope, new KeyReader(scope, about, entry.Key.At, KeyTree.Of(front.Scope)), name, front, mapping);
    }

    private static ListenerOptions? Read(FileScope scope, KeyReader keys, string name, FrontWord front, MappingNode mapping)
    {
        var options = new ListenerOptions { Kind = front.Kind, Path = "", GivenName = name };
        var places = 0;
        keys.Read(mapping, new Dictionary<string, Action<MappingEntry>>(StringComparer.Ordinal)
        {
            ["for"] = entry => keys.Note(ListenerSettings.Proxy, entry.Value.At),
            ["socket"] = entry =>
            {
                places++;
                options = scope.TextOf(entry, "PATH") is { } text ? ReadSocket(scope, entry, options, text) : options;
            },
            ["address"] = entry =>
            {
                places++;
                options = scope.TextOf(entry, "127.0.0.1:PORT") is { } text ? ReadAddress(scope, entry, options, front, text) : options;
            },
        });
        var usual = front.Proxy == ProxyKind.Traefik ? "address: 127.0.0.1:PORT" : $"socket: /run/sidecar/{name}.sock";
        if (places != 1)
        {
            keys.Error(places == 0 ? $"does not say where it listens; write {usual}" : "has a socket and an address; leave one out");
            return null;
        }

        if (front.Proxy == ProxyKind.Traefik && mapping.Find("address") is null)
        {
            keys.Error($"Traefik cannot ask over a Unix socket; write {usual}");
            return null;
        }

        var values = front.Proxy == ProxyKind.None ? keys.Values : keys.Values.With(ListenerSettings.Proxy, front.Proxy);
        options = options with { Values = values.Followed(front.Scope) };
        ListenerRules.Check(keys, options, options.Address is not null);
        return options.Path.Length == 0 ? null : options;
    }

    private static ListenerOptions ReadSocket(FileScope scope, MappingEntry entry, ListenerOptions options, string text)
    {
        var isAbstract = options.Kind == ListenerKind.Spop && ListenerPlaces.AbstractName(text) is not null;
        options = options with
        {
            AbstractName = isAbstract ? ListenerPlaces.AbstractName(text) : null,
            Path = isAbstract || ListenerPlaces.IsAddress(text) ? text : SocketPaths.In(scope.Directory, text),
        };
        if (ListenerPlaces.SocketError(options) is { } error)
        {
            scope.Findings.Error(entry.Value.At, $"socket: {error}");
        }

        return options;
    }

    private static ListenerOptions ReadAddress(
        FileScope scope, MappingEntry entry, ListenerOptions options, FrontWord front, string text)
    {
        if (front.MayUsePort)
        {
            return options with
            {
                Path = text,
                Address = ListenerPlaces.Loopback(text, problem => scope.Findings.Error(entry.Value.At, $"address: {problem}")),
            };
        }

        scope.Findings.Error(
            entry.Key.At,
            $"address is of listeners for traefik and envoy: a socket file lets in whom its mode says, a port everybody; write socket: PATH");
        return options;
    }
}
