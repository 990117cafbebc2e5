using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>
/// Where the settings of one agent, listener or route are written, a flag or a file, for checks that look at several of them: those are
/// the same for both, and speak of settings in the words of the place.
/// </summary>
internal interface ISettingPlace
{
    /// <summary>Whether a setting was written, with whatever value.</summary>
    bool IsWritten(Setting setting);

    /// <summary>A setting's name there, for example <c>mode=</c>.</summary>
    string NameOf(Setting setting);

    /// <summary>How a value is given there, for example <c>proxy=nginx</c>.</summary>
    string TextOf(Setting setting, string value);

    /// <summary>Adds an error about all of it.</summary>
    void Error(string message);

    /// <summary>Adds an error about one setting.</summary>
    void Error(Setting setting, string message);
}
