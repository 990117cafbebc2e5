namespace Sidecar.Tests.EndToEnd;

/// <summary>Starts a script of EndToEnd/Python with the Python that the distribution's packages belong to.</summary>
internal static class PythonScript
{
    private const string OfDistribution = "/usr/bin/python3";

    /// <summary>Starts it.</summary>
    /// <param name="script">The file's name.</param>
    /// <param name="arguments">Its arguments.</param>
    public static ChildProcess Start(string script, params IEnumerable<string> arguments) => ChildProcess.Start(
        File.Exists(OfDistribution) ? OfDistribution : "python3",
        arguments.Prepend(Path.Combine(AppContext.BaseDirectory, "Python", script)));
}
