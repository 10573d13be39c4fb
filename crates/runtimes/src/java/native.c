/* What a process may do to itself and Java has no words for. Loaded by Self.java. */

#include <jni.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* `path` ends with a NUL. */
JNIEXPORT jint JNICALL Java_skiff_Self_changeDirectory(JNIEnv *env, jclass self, jbyteArray path) {
    (void)self;
    jbyte *text = (*env)->GetByteArrayElements(env, path, NULL);
    if (text == NULL) {
        return -1;
    }
    int result = chdir((const char *)text);
    (*env)->ReleaseByteArrayElements(env, path, text, JNI_ABORT);
    return result;
}

/*
 * `block` holds `count` texts, NUL after each. The variables before are left where they are: somebody may still hold one.
 * Called once, before any other thread of the function's.
 */
JNIEXPORT jint JNICALL Java_skiff_Self_replaceEnvironment(JNIEnv *env, jclass self, jbyteArray block, jint count) {
    (void)self;
    jsize length = (*env)->GetArrayLength(env, block);
    char **variables = malloc(((size_t)count + 1) * sizeof *variables + (size_t)length);
    if (variables == NULL) {
        return -1;
    }
    char *text = (char *)(variables + count + 1);
    (*env)->GetByteArrayRegion(env, block, 0, length, (jbyte *)text);
    for (jint i = 0; i < count; i++) {
        variables[i] = text;
        text += strlen(text) + 1;
    }
    variables[count] = NULL;
    environ = variables;
    return 0;
}
