namespace Sidecar.Daemon.Configuration;

/// <summary>How header changes are told to HAProxy.</summary>
internal enum HeaderForm
{
    /// <summary>As packed lists of any number of headers, which the ready Lua actions apply, or HAProxy 3.4 by itself.</summary>
    Lists,

    /// <summary>As one variable for each header that the listener names, for a configuration without Lua.</summary>
    Names,
}
