using Microsoft.Extensions.Logging;

namespace Sidecar.Tests.Support;

/// <summary>A <see cref="RecordingLogger"/> for a constructor that asks for a logger of its own type.</summary>
internal sealed class RecordingLogger<T>(LogRecord? record = null) : RecordingLogger(typeof(T).FullName!, record), ILogger<T>;
