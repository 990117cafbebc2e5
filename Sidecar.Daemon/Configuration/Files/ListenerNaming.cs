namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Names for listeners that flags gave none, as somebody would write them in a file.</summary>
internal static class ListenerNaming
{
    /// <summary>A configuration in which each listener has a name: that of its front end, numbered from the second on.</summary>
    public static ConfigurationSnapshot Of(ConfigurationSnapshot snapshot)
    {
        var taken = snapshot.Listeners.Select(static listener => listener.GivenName).OfType<string>().ToHashSet(StringComparer.Ordinal);
        string Free(string word)
        {
            var name = word;
            for (var number = 2; !taken.Add(name); number++)
            {
                name = $"{word}-{number}";
            }

            return name;
        }

        return snapshot with
        {
            Listeners =
            [
                .. snapshot.Listeners.Select(
                    listener => listener.GivenName is null ? listener with { GivenName = Free(FrontWord.Of(listener).Word) } : listener),
            ],
        };
    }
}
